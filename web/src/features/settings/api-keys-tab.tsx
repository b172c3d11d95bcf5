import { ActionIcon, Alert, Button, Checkbox, Group, Modal, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconKey, IconPlus, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiKey } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { confirmAction } from '@/ui/confirm';
import { CopyField } from '@/ui/copy-field';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { FormAlert } from '@/ui/form-alert';
import { notifyError, notifySuccess } from '@/ui/notify';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { apiKeysQuery, createApiKey, deleteApiKey } from './queries';

const scopes = [
  'audience:read',
  'audience:write',
  'campaigns:read',
  'campaigns:write',
  'campaigns:send',
  'messages:send',
  'sending:read',
  'sending:write',
  'settings:read',
  'settings:write',
  'webhooks:read',
  'webhooks:write',
];

export function ApiKeysTab() {
  const { t } = useTranslation();
  const query = useQuery(apiKeysQuery);
  const [opened, dialog] = useDisclosure();
  const columns = useColumns();
  return (
    <Section
      title={t('settings.keys.title')}
      description={t('settings.keys.text')}
      flush
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={dialog.open}>
          {t('settings.keys.new')}
        </Button>
      }
    >
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState icon={IconKey} title={t('settings.keys.empty')} text={t('settings.keys.emptyText')} />
          ) : (
            <DataTable label={t('settings.keys.title')} columns={columns} rows={page.items} rowKey={(row) => row.id} />
          )
        }
      </QueryView>
      <Modal
        opened={opened}
        onClose={dialog.close}
        title={t('settings.keys.new')}
        closeOnClickOutside={false}
        size="md"
      >
        <NewKey onClose={dialog.close} />
      </Modal>
    </Section>
  );
}

function useColumns(): Column<ApiKey>[] {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: (key: ApiKey) => deleteApiKey(key.id),
    onSuccess: (_, key) => {
      notifySuccess(t('settings.keys.deleted', { name: key.name }));
      return queryClient.invalidateQueries({ queryKey: apiKeysQuery.queryKey });
    },
    onError: notifyError,
  });
  return [
    {
      key: 'name',
      header: t('common.name'),
      render: (row) => (
        <div>
          <Text fw={550}>{row.name}</Text>
          <Text size="sm" c="dimmed" className="mono">
            {row.prefix}…
          </Text>
        </div>
      ),
    },
    {
      key: 'scopes',
      header: t('settings.keys.scopes'),
      width: '40%',
      render: (row) => <span className="mono">{row.scopes.join(', ')}</span>,
    },
    {
      key: 'created',
      header: t('common.created'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.created_at} />,
    },
    {
      key: 'used',
      header: t('settings.keys.used'),
      nowrap: true,
      render: (row) => (row.last_used_at ? <RelativeTime at={row.last_used_at} /> : t('settings.keys.never')),
    },
    {
      key: 'delete',
      header: '',
      width: 56,
      render: (row) => (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('settings.keys.deleteOf', { name: row.name })}
          onClick={() =>
            confirmAction({
              title: t('settings.keys.deleteTitle', { name: row.name }),
              body: t('settings.keys.deleteText'),
              confirm: t('common.delete'),
              onConfirm: () => remove.mutate(row),
            })
          }
        >
          <IconTrash size={16} />
        </ActionIcon>
      ),
    },
  ];
}

function NewKey({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({
    initialValues: { name: '', scopes: ['audience:read', 'audience:write'] },
    validate: { scopes: (value) => (value.length === 0 ? t('settings.keys.noScope') : null) },
  });
  const create = useMutation({
    mutationFn: createApiKey,
    onMutate: () => setProblem(null),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: apiKeysQuery.queryKey }),
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  if (create.data) {
    return (
      <Stack>
        <Alert variant="default" title={t('settings.keys.made')}>
          {t('settings.keys.once')}
        </Alert>
        <CopyField value={create.data.key} label={t('settings.keys.key')} />
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('settings.keys.done')}</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
      <Stack>
        <FormAlert message={problem} />
        <TextInput
          label={t('common.name')}
          description={t('settings.keys.nameHint')}
          required
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Checkbox.Group label={t('settings.keys.scopes')} {...form.getInputProps('scopes')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} mt="xs" spacing="xs">
            {scopes.map((scope) => (
              <Checkbox key={scope} value={scope} label={<span className="mono">{scope}</span>} py={3} />
            ))}
          </SimpleGrid>
        </Checkbox.Group>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={create.isPending}>
            {t('settings.keys.create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
