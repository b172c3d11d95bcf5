import { Button, Group, Modal, Paper, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconWebhook } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { WebhookProvider, WebhookSource } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { formatNumber } from '@/lib/format';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { createWebhookSource, keepSource, webhookSourcesQuery } from './queries';
import { WebhookBadge } from './webhook-badge';
import { webhookProviders } from './webhook-state';

const route = getRouteApi('/shell/provider-webhooks');

export function ProviderWebhooksPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const query = useQuery(webhookSourcesQuery);
  const [opened, dialog] = useDisclosure();
  const columns = useColumns();
  const open = (id: number) => void navigate({ to: '/provider-webhooks/$id', params: { id: String(id) } });
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={dialog.open}>
      {t('providerWebhooks.add')}
    </Button>
  );
  return (
    <>
      <PageHeader title={t('nav.providerWebhooks')} description={t('providerWebhooks.text')} actions={add} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconWebhook}
                title={t('providerWebhooks.empty')}
                text={t('providerWebhooks.emptyText')}
                action={add}
              />
            ) : (
              <DataTable
                label={t('nav.providerWebhooks')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                onRowClick={(row) => open(row.id)}
              />
            )
          }
        </QueryView>
      </Paper>
      <Modal opened={opened} onClose={dialog.close} title={t('providerWebhooks.add')}>
        <AddForm onClose={dialog.close} onAdded={(source) => open(source.id)} />
      </Modal>
    </>
  );
}

function useColumns(): Column<WebhookSource>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'name',
      header: t('providerWebhooks.webhook'),
      width: '36%',
      render: (row) => (
        <div style={{ overflowWrap: 'anywhere' }}>
          <LinkAnchor to="/provider-webhooks/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          {row.name !== t(`providerWebhooks.names.${row.provider}`) && (
            <Text size="sm" c="dimmed">
              {t(`providerWebhooks.names.${row.provider}`)}
            </Text>
          )}
        </div>
      ),
    },
    { key: 'status', header: t('common.status'), render: (row) => <WebhookBadge source={row} /> },
    {
      key: 'last',
      header: t('providerWebhooks.lastReceived'),
      nowrap: true,
      render: (row) =>
        row.last_received_at ? <RelativeTime at={row.last_received_at} /> : t('providerWebhooks.never'),
    },
    {
      key: 'reports',
      header: t('providerWebhooks.reports'),
      align: 'end',
      render: (row) => formatNumber(row.reports),
    },
  ];
}

function AddForm({ onClose, onAdded }: { onClose: () => void; onAdded: (source: WebhookSource) => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<{ provider: WebhookProvider | null; name: string }>({
    initialValues: { provider: null, name: '' },
    validate: { provider: (value) => (value ? null : t('providerWebhooks.chooseProvider')) },
  });
  const add = useMutation({
    mutationFn: createWebhookSource,
    onMutate: () => setProblem(null),
    onSuccess: (source) => {
      keepSource(queryClient, source);
      onClose();
      onAdded(source);
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form
      onSubmit={form.onSubmit(({ provider, name }) => {
        if (provider) add.mutate({ provider, name: name.trim() });
      })}
    >
      <Stack>
        <FormAlert message={problem} />
        <Select
          label={t('providerWebhooks.provider')}
          placeholder={t('providerWebhooks.chooseProvider')}
          data={webhookProviders.map((value) => ({ value, label: t(`providerWebhooks.names.${value}`) }))}
          searchable
          openOnFocus={false}
          required
          data-autofocus
          {...form.getInputProps('provider')}
        />
        <TextInput
          label={t('providerWebhooks.name')}
          description={t('providerWebhooks.nameHint')}
          {...form.getInputProps('name')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t('providerWebhooks.add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
