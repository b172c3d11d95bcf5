import { Paper, Text } from '@mantine/core';
import { IconPlus, IconWebhook } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Webhook } from '@/api/types';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { webhooksQuery } from './queries';
import { WebhookBadge } from './webhook-state';

const route = getRouteApi('/shell/webhooks');
/** Up to where the server counts what waits. */
const COUNTED = 10_000;

export function WebhooksPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const query = useQuery({ ...webhooksQuery, refetchInterval: 10_000 });
  const columns = useColumns();
  const add = (
    <LinkButton to="/webhooks/new" leftSection={<IconPlus size={16} />}>
      {t('webhooks.new')}
    </LinkButton>
  );
  return (
    <>
      <PageHeader title={t('nav.webhooks')} description={t('webhooks.text')} actions={add} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState icon={IconWebhook} title={t('webhooks.empty')} text={t('webhooks.emptyText')} action={add} />
            ) : (
              <DataTable
                label={t('nav.webhooks')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                onRowClick={(row) => void navigate({ to: '/webhooks/$id', params: { id: String(row.id) } })}
              />
            )
          }
        </QueryView>
      </Paper>
    </>
  );
}

function useColumns(): Column<Webhook>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'url',
      header: t('webhooks.address'),
      width: '44%',
      render: (row) => (
        <div style={{ overflowWrap: 'anywhere', minWidth: 0 }}>
          <LinkAnchor to="/webhooks/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.url}
          </LinkAnchor>
          {row.description && (
            <Text size="sm" c="dimmed">
              {row.description}
            </Text>
          )}
        </div>
      ),
    },
    { key: 'status', header: t('common.status'), render: (row) => <State webhook={row} /> },
    {
      key: 'events',
      header: t('webhooks.events'),
      render: (row) =>
        row.event_types.length === 0
          ? t('webhooks.allEvents')
          : t('webhooks.eventCount', { count: row.event_types.length }),
    },
    {
      key: 'success',
      header: t('webhooks.lastSuccess'),
      nowrap: true,
      render: (row) => (row.last_success_at ? <RelativeTime at={row.last_success_at} /> : t('webhooks.never')),
    },
  ];
}

function State({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  return (
    <div>
      <WebhookBadge webhook={webhook} />
      {webhook.pending > 0 && (
        <Text size="sm" c="dimmed">
          {webhook.pending >= COUNTED
            ? t('webhooks.waitingMany', { count: COUNTED })
            : t('webhooks.waiting', { count: webhook.pending })}
        </Text>
      )}
    </div>
  );
}
