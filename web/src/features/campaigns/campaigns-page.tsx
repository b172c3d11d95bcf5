import { ActionIcon, Group, Menu, Paper, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconDots, IconPlus, IconSend, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { CampaignSummary } from '@/api/types';
import { formatNumber, formatPercent, NONE } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { CampaignBadge } from '@/ui/campaign-badge';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { DeliveryBar } from '@/ui/delivery-bar';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { ScrollRow } from '@/ui/scroll-row';
import { campaignsQuery, deleteCampaign } from './queries';

const route = getRouteApi('/shell/campaigns');
const filters = ['all', 'draft', 'scheduled', 'running', 'paused', 'finished', 'cancelled'] as const;

export function CampaignsPage() {
  const { t } = useTranslation();
  const { status } = route.useSearch();
  const navigate = route.useNavigate();
  const cursor = useCursor(status ?? '');
  const query = useQuery({ ...campaignsQuery({ status, cursor: cursor.current }), refetchInterval: 5000 });
  const columns = useColumns();
  return (
    <>
      <PageHeader
        title={t('nav.campaigns')}
        description={t('campaigns.text')}
        actions={
          <LinkButton to="/campaigns/new" leftSection={<IconPlus size={16} />}>
            {t('campaigns.new')}
          </LinkButton>
        }
      />
      <Stack gap="md">
        <ScrollRow chosen={status}>
          <SegmentedControl
            aria-label={t('campaigns.filter')}
            value={status ?? 'all'}
            onChange={(value) => void navigate({ search: value === 'all' ? {} : { status: value } })}
            data={filters.map((value) => ({
              value,
              label: value === 'all' ? t('common.all') : t(`campaigns.status.${value}`),
            }))}
          />
        </ScrollRow>
        <Paper style={{ overflow: 'hidden' }}>
          <QueryView query={query}>
            {(page) =>
              page.items.length === 0 ? (
                <NoCampaigns filtered={Boolean(status)} />
              ) : (
                <>
                  <DataTable
                    label={t('nav.campaigns')}
                    columns={columns}
                    rows={page.items}
                    rowKey={(row) => row.id}
                    onRowClick={(row) => void navigate({ to: '/campaigns/$id', params: { id: String(row.id) } })}
                  />
                  <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
                </>
              )
            }
          </QueryView>
        </Paper>
      </Stack>
    </>
  );
}

function NoCampaigns({ filtered }: { filtered: boolean }) {
  const { t } = useTranslation();
  return (
    <EmptyState
      icon={IconSend}
      title={filtered ? t('campaigns.emptyFiltered') : t('campaigns.empty')}
      text={filtered ? undefined : t('campaigns.emptyText')}
      action={!filtered && <LinkButton to="/campaigns/new">{t('campaigns.new')}</LinkButton>}
    />
  );
}

function useColumns(): Column<CampaignSummary>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'name',
      header: t('campaigns.campaign'),
      width: '34%',
      render: (row) => (
        <div>
          <LinkAnchor to="/campaigns/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          <Text size="sm" c="dimmed" lineClamp={1}>
            {row.subject || t('editor.noSubject')}
          </Text>
          {row.issue && (
            <Text size="xs" c="dimmed">
              {t('campaigns.issue.of')} {row.issue.newsletter}
            </Text>
          )}
        </div>
      ),
    },
    { key: 'status', header: t('common.status'), render: (row) => <CampaignBadge status={row.status} /> },
    {
      key: 'progress',
      header: t('campaigns.progress'),
      width: '20%',
      render: (row) =>
        row.started_at ? (
          <div style={{ minWidth: 120 }}>
            <DeliveryBar stats={row.stats} label={t('campaigns.progressOf', { name: row.name })} thin />
            <Text size="sm" c="dimmed" mt={4} className="tabular">
              {t('campaigns.sentOf', { sent: row.stats.sent, recipients: row.stats.recipients })}
            </Text>
          </div>
        ) : (
          NONE
        ),
    },
    {
      key: 'opens',
      header: t('campaigns.opened'),
      align: 'end',
      render: (row) => <Share part={row.stats.unique_opens.human} of={row.stats.sent} off={!row.track_opens} />,
    },
    {
      key: 'clicks',
      header: t('campaigns.clicked'),
      align: 'end',
      render: (row) => <Share part={row.stats.unique_clicks.human} of={row.stats.sent} off={!row.track_clicks} />,
    },
    {
      key: 'when',
      header: t('campaigns.when'),
      nowrap: true,
      render: (row) =>
        row.status === 'scheduled' && row.scheduled_at ? (
          <DateTime at={row.scheduled_at} />
        ) : (
          <RelativeTime at={row.started_at ?? row.updated_at} />
        ),
    },
    { key: 'menu', header: '', width: 56, render: (row) => <RowMenu campaign={row} /> },
  ];
}

function Share({ part, of, off }: { part: number; of: number; off: boolean }) {
  if (off || of === 0) return NONE;
  return <span title={formatNumber(part)}>{formatPercent(part, of)}</span>;
}

function RowMenu({ campaign }: { campaign: CampaignSummary }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteCampaign(campaign.id),
    onSuccess: () => {
      notifySuccess(t('campaigns.deleted', { name: campaign.name }));
      return queryClient.invalidateQueries({ queryKey: ['campaigns', 'page'] });
    },
    onError: notifyError,
  });
  if (campaign.status === 'running' || campaign.status === 'paused') return null;
  return (
    <Group justify="flex-end">
      <Menu>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('common.actionsFor', { name: campaign.name })}>
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            color="var(--app-bad)"
            leftSection={<IconTrash size={15} />}
            onClick={() =>
              confirmAction({
                title: t('campaigns.deleteTitle', { name: campaign.name }),
                body: campaign.started_at
                  ? t('campaigns.deleteSent', { count: campaign.recipients })
                  : t('campaigns.deleteDraft'),
                confirm: t('common.delete'),
                onConfirm: () => remove.mutate(),
              })
            }
          >
            {t('common.delete')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
