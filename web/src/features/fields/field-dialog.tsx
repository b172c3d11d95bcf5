import { Button, Group, Modal, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Field, FieldType } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { createField, type FieldValues, updateField } from './queries';

export const fieldTypes: FieldType[] = ['text', 'number', 'boolean', 'date', 'datetime', 'list'];

/** Makes a field when it is null, changes one otherwise; closed when undefined. */
export function FieldDialog({ field, onClose }: { field: Field | null | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={field !== undefined}
      onClose={onClose}
      title={field ? t('fields.editTitle', { name: field.name }) : t('fields.new')}
    >
      <FieldForm field={field ?? null} onClose={onClose} />
    </Modal>
  );
}

function FieldForm({ field, onClose }: { field: Field | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<FieldValues>({
    initialValues: { name: field?.name ?? '', label: field?.label ?? '', type: field?.type ?? 'text' },
  });
  const save = useMutation({
    mutationFn: (values: FieldValues) => (field ? updateField(values) : createField(values)),
    onMutate: () => setProblem(null),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['fields'] });
      onClose();
    },
    // What stands in the way of a conversion is said in full, since it names the values.
    onError: (error) => setProblem(applyProblem(form, error) ?? (field ? error.message : null)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <FormAlert message={problem} />
        {!field && (
          <TextInput
            label={t('fields.name')}
            description={t('fields.nameHint', { tag: `{{ subscriber.${form.values.name || 'city'} }}` })}
            required
            data-autofocus
            {...form.getInputProps('name')}
          />
        )}
        <TextInput label={t('fields.label')} description={t('fields.labelHint')} {...form.getInputProps('label')} />
        <Select
          label={t('fields.type')}
          description={field ? t('fields.typeHint') : undefined}
          allowDeselect={false}
          data={fieldTypes.map((type) => ({ value: type, label: t(`fields.types.${type}`) }))}
          {...form.getInputProps('type')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {field ? t('common.save') : t('common.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
