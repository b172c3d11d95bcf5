import { Button, Group, Modal, Select, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { List } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { createList, type ListInput, updateList } from './queries';

type Props = { list?: List | undefined; opened: boolean; onClose: () => void; onCreated?: (list: List) => void };

export function ListDialog({ list, opened, onClose, onCreated }: Props) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={list ? t('lists.editTitle', { name: list.name }) : t('lists.new')}>
      <ListForm list={list} onClose={onClose} onCreated={onCreated} />
    </Modal>
  );
}

function ListForm({
  list,
  onClose,
  onCreated,
}: Pick<Props, 'list' | 'onClose'> & { onCreated: Props['onCreated'] | undefined }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<ListInput>({
    initialValues: {
      name: list?.name ?? '',
      description: list?.description ?? '',
      no_tracking: list?.no_tracking ?? false,
      time_zone: list?.time_zone ?? '',
    },
  });
  const zones = useMemo(
    () => [...new Set(['UTC', list?.time_zone ?? '', ...Intl.supportedValuesOf('timeZone')])].filter(Boolean),
    [list?.time_zone],
  );
  const save = useMutation({
    mutationFn: (input: ListInput) => (list ? updateList({ id: list.id, ...input }) : createList(input)),
    onMutate: () => setProblem(null),
    onSuccess: async (saved) => {
      await queryClient.invalidateQueries({ queryKey: ['lists'] });
      onClose();
      if (!list) onCreated?.(saved);
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <Stack>
        <FormAlert message={problem} />
        <TextInput label={t('common.name')} required data-autofocus {...form.getInputProps('name')} />
        <Textarea
          label={t('lists.description')}
          description={t('lists.descriptionHint')}
          autosize
          minRows={2}
          {...form.getInputProps('description')}
        />
        <Switch
          label={t('lists.noTracking')}
          description={t('lists.noTrackingHint')}
          {...form.getInputProps('no_tracking', { type: 'checkbox' })}
        />
        <Select
          label={t('lists.timeZone')}
          description={t('lists.timeZoneHint')}
          placeholder={t('lists.timeZoneNone')}
          searchable
          clearable
          limit={60}
          data={zones}
          {...form.getInputProps('time_zone')}
          value={form.values.time_zone || null}
          onChange={(zone) => form.setFieldValue('time_zone', zone ?? '')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={save.isPending}>
            {list ? t('common.save') : t('lists.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
