import { Button, Group, Modal, MultiSelect, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { listsQuery } from '@/features/lists/queries';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { createSubscriber } from './queries';

type Props = { opened: boolean; onClose: () => void; listId: number | undefined };

export function AddSubscriberDialog({ opened, onClose, listId }: Props) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t('subscribers.add')}>
      <AddForm onClose={onClose} listId={listId} />
    </Modal>
  );
}

function AddForm({ onClose, listId }: Omit<Props, 'opened'>) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const lists = useQuery(listsQuery());
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({
    initialValues: {
      email: '',
      name: '',
      list_ids: listId === undefined ? [] : [String(listId)],
      status: 'subscribed' as 'subscribed' | 'unconfirmed',
    },
  });
  const add = useMutation({
    mutationFn: (values: typeof form.values) =>
      createSubscriber({ ...values, attributes: {}, list_ids: values.list_ids.map(Number) }),
    onMutate: () => setProblem(null),
    onSuccess: async (made) => {
      notifySuccess(t('subscribers.addedTo', { email: made.email }));
      onClose();
      await queryClient.invalidateQueries({ queryKey: ['subscribers', 'page'] });
      await queryClient.invalidateQueries({ queryKey: ['lists'] });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
      <Stack>
        <FormAlert message={problem} />
        <TextInput label={t('common.email')} type="email" required data-autofocus {...form.getInputProps('email')} />
        <TextInput label={t('common.name')} {...form.getInputProps('name')} />
        <MultiSelect
          label={t('nav.lists')}
          searchable
          data={(lists.data?.items ?? []).map((list) => ({ value: String(list.id), label: list.name }))}
          {...form.getInputProps('list_ids')}
        />
        <Select
          label={t('common.status')}
          allowDeselect={false}
          data={[
            { value: 'subscribed', label: t('subscriptions.subscribed') },
            { value: 'unconfirmed', label: t('subscriptions.unconfirmed') },
          ]}
          {...form.getInputProps('status')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t('subscribers.add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
