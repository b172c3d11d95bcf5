import { Button, Group, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/problem';
import type { Subscriber } from '@/api/types';
import { fieldsQuery } from '@/features/fields/queries';
import { applyProblem } from '@/lib/form-problem';
import { formatAttribute } from '@/lib/format';
import { FieldInput } from '@/ui/field-input';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifySuccess } from '@/ui/notify';
import { SaveGuard } from '@/ui/save-guard';
import { Section } from '@/ui/section';
import { subscriberQuery, updateSubscriber } from './queries';

export function ProfileCard({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const form = useForm({
    initialValues: {
      email: subscriber.email,
      name: subscriber.name,
      attributes: subscriber.attributes as Record<string, unknown>,
      no_tracking: subscriber.no_tracking,
    },
  });
  const save = useMutation({
    mutationFn: (values: typeof form.values) => updateSubscriber({ id: subscriber.id, ...values }),
    onMutate: () => {
      setProblem(null);
      setWrong({});
    },
    onSuccess: (saved) => {
      form.resetDirty();
      queryClient.setQueryData(subscriberQuery(subscriber.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['subscribers', 'page'] });
      void queryClient.invalidateQueries({ queryKey: ['fields'] });
      notifySuccess(t('common.saved'));
    },
    onError: (error) => {
      setProblem(applyProblem(form, error));
      if (error instanceof Problem) setWrong(error.fieldErrors);
    },
  });
  const dirty = form.isDirty();
  return (
    <Section title={t('subscribers.profile')}>
      <SaveGuard dirty={dirty} />
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <FormAlert message={problem} />
          <TextInput label={t('common.email')} type="email" required {...form.getInputProps('email')} />
          <TextInput label={t('common.name')} {...form.getInputProps('name')} />
          <Fields
            values={form.values.attributes}
            wrong={wrong}
            onChange={(attributes) => form.setFieldValue('attributes', attributes)}
          />
          <Switch
            label={t('subscribers.noTracking')}
            description={t('subscribers.noTrackingHint')}
            {...form.getInputProps('no_tracking', { type: 'checkbox' })}
          />
          <Group justify="flex-end">
            <Button type="submit" disabled={!dirty} loading={save.isPending}>
              {t('common.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}

type FieldsProps = {
  values: Record<string, unknown>;
  wrong: Record<string, string>;
  onChange: (values: Record<string, unknown>) => void;
};

/** An input for each custom field; below them what is there without a field. */
function Fields({ values, wrong, onChange }: FieldsProps) {
  const { t } = useTranslation();
  const fields = useQuery(fieldsQuery()).data ?? [];
  const others = Object.entries(values).filter(([name]) => !fields.some((field) => field.name === name));
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
      <Group justify="space-between" mb={6}>
        <Text component="legend" fw={500} style={{ padding: 0 }}>
          {t('subscribers.fields')}
        </Text>
        <LinkAnchor to="/fields" className="link" size="sm">
          {t('subscribers.manageFields')}
        </LinkAnchor>
      </Group>
      {fields.length === 0 && others.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('subscribers.noFields')}
        </Text>
      )}
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        {fields.map((field) => (
          <FieldInput
            key={field.name}
            label={field.label || field.name}
            type={field.type}
            value={values[field.name]}
            error={wrong[`attributes.${field.name}`]}
            onChange={(value) => onChange(withValue(values, field.name, value))}
          />
        ))}
      </SimpleGrid>
      {others.map(([name, value]) => (
        <Text key={name} size="sm" c="dimmed" mt={6} style={{ overflowWrap: 'anywhere' }}>
          {name}: {formatAttribute(value)}
        </Text>
      ))}
    </fieldset>
  );
}

/** The values with one of them set, or taken away. */
export function withValue(values: Record<string, unknown>, name: string, value: unknown): Record<string, unknown> {
  const { [name]: _, ...rest } = values;
  return value === undefined ? rest : { ...rest, [name]: value };
}
