import { Group, Paper, Select } from '@mantine/core';
import { IconMailOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Campaign, Delivery } from '@/api/types';
import { NONE } from '@/lib/format';
import { deliveryStates } from '@/lib/states';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { DeliveryBadge } from '@/ui/delivery-badge';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Reply } from '@/ui/reply';
import { SearchInput } from '@/ui/search-input';
import { deliveriesQuery } from './queries';
import { letter } from './variants';

const route = getRouteApi('/shell/campaigns/$id');
const REFRESH_MS = 4_000;

export function DeliveriesTab({ campaign, live }: { campaign: Campaign; live: boolean }) {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const filter = { state: search.state, q: search.q };
  const cursor = useCursor(JSON.stringify(filter));
  const query = useQuery({
    ...deliveriesQuery(campaign.id, filter, cursor.current),
    refetchInterval: live ? REFRESH_MS : false,
  });
  const columns = useColumns(campaign);
  const change = (next: { state?: string | undefined; q?: string | undefined }) => {
    const merged = { state: search.state, q: search.q, ...next };
    void navigate({
      search: { tab: 'deliveries', ...(merged.state && { state: merged.state }), ...(merged.q && { q: merged.q }) },
      replace: true,
    });
  };
  return (
    <Paper style={{ overflow: 'hidden' }}>
      <Group p="md" gap="sm">
        <SearchInput label={t('deliveries.search')} value={search.q ?? ''} onChange={(q) => change({ q })} />
        <Select
          aria-label={t('deliveries.filter')}
          placeholder={t('deliveries.anyState')}
          clearable
          w={200}
          value={search.state ?? null}
          onChange={(state) => change({ state: state ?? undefined })}
          data={deliveryStates.map((state) => ({ value: state, label: t(`deliveries.state.${state}`) }))}
        />
      </Group>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState icon={IconMailOff} title={t('deliveries.empty')} text={t('deliveries.emptyText')} />
          ) : (
            <>
              <DataTable
                label={t('deliveries.table')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.seq}
                onRowClick={(row) =>
                  void navigate({
                    to: '/campaigns/$id/deliveries/$seq',
                    params: { id: String(campaign.id), seq: String(row.seq) },
                  })
                }
              />
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
            </>
          )
        }
      </QueryView>
    </Paper>
  );
}

function useColumns({ id: campaignId, ab_test }: Campaign): Column<Delivery>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'email',
      header: t('common.email'),
      render: (row) => (
        <LinkAnchor
          to="/campaigns/$id/deliveries/$seq"
          params={{ id: String(campaignId), seq: String(row.seq) }}
          className="link-strong"
        >
          {row.email}
        </LinkAnchor>
      ),
    },
    ...(ab_test
      ? [
          {
            key: 'variant',
            header: t('campaigns.ab.variantColumn'),
            render: (row: Delivery) => (row.variant === null ? NONE : letter(row.variant)),
          },
        ]
      : []),
    { key: 'state', header: t('common.status'), render: (row) => <DeliveryBadge state={row.state} /> },
    {
      key: 'reply',
      header: t('deliveries.reply'),
      width: '40%',
      render: (row) =>
        row.skip_reason ? (
          row.skip_reason
        ) : (
          <Reply code={row.reply_code} status={row.reply_status} text={row.reply_text} />
        ),
    },
    { key: 'attempts', header: t('deliveries.attempts'), align: 'end', render: (row) => row.attempts },
    {
      key: 'at',
      header: t('deliveries.when'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.sent_at ?? row.updated_at} />,
    },
  ];
}
