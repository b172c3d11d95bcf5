import { Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Delivery } from '@/api/types';
import { reportsQuery } from '@/features/reports/queries';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { DeliveryBadge } from '@/ui/delivery-badge';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Reply } from '@/ui/reply';
import { ReportDrawer } from '@/ui/reports/report-drawer';
import { ReportTable } from '@/ui/reports/report-table';
import { Section } from '@/ui/section';
import { TallyCell } from '@/ui/tally-cell';
import { subscriberDeliveriesQuery } from './queries';
import { PersonTimeline } from './timeline-card';

/** Every mail to this person, and what they did with it. */
export function HistoryCard({ subscriberId }: { subscriberId: number }) {
  const { t } = useTranslation();
  return (
    <Section title={t('subscribers.history')} flush>
      <Tabs defaultValue="timeline" keepMounted={false}>
        <Tabs.List px="md" style={{ flexWrap: 'nowrap', overflowX: 'auto', overflowY: 'hidden' }}>
          <Tabs.Tab value="timeline">{t('subscribers.timeline')}</Tabs.Tab>
          <Tabs.Tab value="deliveries">{t('subscribers.deliveries')}</Tabs.Tab>
          <Tabs.Tab value="reports">{t('reports.tab')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="timeline">
          <PersonTimeline subscriberId={subscriberId} />
        </Tabs.Panel>
        <Tabs.Panel value="deliveries">
          <Deliveries subscriberId={subscriberId} />
        </Tabs.Panel>
        <Tabs.Panel value="reports">
          <Reports subscriberId={subscriberId} />
        </Tabs.Panel>
      </Tabs>
    </Section>
  );
}

function Deliveries({ subscriberId }: { subscriberId: number }) {
  const { t } = useTranslation();
  const cursor = useCursor('');
  const query = useQuery(subscriberDeliveriesQuery(subscriberId, cursor.current));
  const columns: Column<Delivery>[] = [
    {
      key: 'campaign',
      header: t('campaigns.campaign'),
      render: (row) => (
        <LinkAnchor
          to="/campaigns/$id/deliveries/$seq"
          params={{ id: String(row.campaign_id), seq: String(row.seq) }}
          className="link-strong"
        >
          {row.campaign_name}
        </LinkAnchor>
      ),
    },
    { key: 'state', header: t('common.status'), render: (row) => <DeliveryBadge state={row.state} /> },
    {
      key: 'reply',
      header: t('deliveries.reply'),
      width: '34%',
      render: (row) => <Reply code={row.reply_code} status={row.reply_status} text={row.reply_text} />,
    },
    { key: 'opens', header: t('chart.opens'), align: 'end', render: (row) => <TallyCell tally={row.opens} /> },
    { key: 'clicks', header: t('chart.clicks'), align: 'end', render: (row) => <TallyCell tally={row.clicks} /> },
    {
      key: 'when',
      header: t('deliveries.when'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.sent_at ?? row.updated_at} />,
    },
  ];
  return (
    <QueryView query={query}>
      {(page) =>
        page.items.length === 0 ? (
          <Text c="dimmed" p="md">
            {t('subscribers.noDeliveries')}
          </Text>
        ) : (
          <>
            <DataTable
              label={t('subscribers.deliveries')}
              columns={columns}
              rows={page.items}
              rowKey={(row) => `${row.campaign_id}-${row.seq}`}
            />
            <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
          </>
        )
      }
    </QueryView>
  );
}

function Reports({ subscriberId }: { subscriberId: number }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<number>();
  const cursor = useCursor('');
  const query = useQuery(reportsQuery({ subscriber_id: subscriberId }, cursor.current));
  return (
    <QueryView query={query}>
      {(page) =>
        page.items.length === 0 ? (
          <Text c="dimmed" p="md">
            {t('reports.none')}
          </Text>
        ) : (
          <>
            <ReportTable reports={page.items} onOpen={(row) => setOpened(row.id)} />
            <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
            <ReportDrawer id={opened} onClose={() => setOpened(undefined)} />
          </>
        )
      }
    </QueryView>
  );
}
