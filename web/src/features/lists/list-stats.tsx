import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ListGrowth, ListOutcomes } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { CsvLink } from '@/ui/csv-link';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { type ChartSeries, TimeChart } from '@/ui/time-chart';
import { listGrowthQuery, listStatsQuery } from './queries';

/** How a list grew, and what became of the campaigns to it. */
export function ListStats({ listId }: { listId: number }) {
  return (
    <>
      <GrowthCard listId={listId} />
      <CampaignsCard listId={listId} />
    </>
  );
}

function GrowthCard({ listId }: { listId: number }) {
  const { t } = useTranslation();
  const query = useQuery(listGrowthQuery(listId));
  return (
    <Section
      title={t('lists.stats.growth')}
      description={t('lists.stats.growthText')}
      actions={
        <CsvLink path={`/lists/${listId}/stats.csv`} query={{ table: 'growth' }} what={t('lists.stats.growth')} />
      }
    >
      <QueryView query={query}>{(growth) => <GrowthChart growth={growth} />}</QueryView>
    </Section>
  );
}

function GrowthChart({ growth }: { growth: ListGrowth }) {
  const { t } = useTranslation();
  const series = useMemo<ChartSeries[]>(
    () => [
      { label: t('chart.joined'), color: 'opens', values: growth.joined },
      { label: t('chart.left'), color: 'clicks', values: growth.left },
      { label: t('chart.suppressed'), color: 'bounced', values: growth.suppressed },
    ],
    [growth, t],
  );
  if (series.every(({ values }) => values.every((value) => value === 0))) {
    return <Text c="dimmed">{t('lists.stats.noGrowth')}</Text>;
  }
  return (
    <TimeChart
      times={growth.times}
      series={series}
      unit="day"
      timeName={t('chart.week')}
      label={t('lists.stats.growthLabel')}
      height={200}
    />
  );
}

function CampaignsCard({ listId }: { listId: number }) {
  const { t } = useTranslation();
  const cursor = useCursor(String(listId));
  const query = useQuery(listStatsQuery(listId, cursor.current));
  const number = (value: number, whole: number) => (
    <span className="tabular">
      {formatNumber(value)} · {formatPercent(value, whole)}
    </span>
  );
  const columns: Column<ListOutcomes>[] = [
    {
      key: 'campaign',
      header: t('lists.stats.campaign'),
      width: '26%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          <LinkAnchor to="/campaigns/$id" params={{ id: String(row.campaign_id) }} className="link-strong">
            {row.campaign_name}
          </LinkAnchor>
          <Text size="sm" c="dimmed">
            <RelativeTime at={row.started_at} />
            {row.shared && ` · ${t('lists.stats.shared')}`}
          </Text>
        </div>
      ),
    },
    {
      key: 'recipients',
      header: t('outcomes.recipients'),
      align: 'end',
      render: (row) => <span className="tabular">{formatNumber(row.recipients)}</span>,
    },
    {
      key: 'delivered',
      header: t('outcomes.delivered'),
      align: 'end',
      render: (row) => number(row.delivered, row.recipients),
    },
    {
      key: 'bounced',
      header: t('outcomes.bounced'),
      align: 'end',
      render: (row) => number(row.refused + row.came_back, row.recipients),
    },
    {
      key: 'complaints',
      header: t('outcomes.complaints'),
      align: 'end',
      render: (row) => number(row.complaints, row.accepted),
    },
    {
      key: 'opened',
      header: t('lists.stats.opened'),
      align: 'end',
      render: (row) => number(row.opened, row.delivered),
    },
    {
      key: 'clicked',
      header: t('lists.stats.clicked'),
      align: 'end',
      render: (row) => number(row.clicked, row.delivered),
    },
    {
      key: 'unsubscribes',
      header: t('outcomes.unsubscribes'),
      align: 'end',
      render: (row) => number(row.unsubscribes, row.delivered),
    },
  ];
  return (
    <Section
      title={t('lists.stats.title')}
      description={t('lists.stats.text')}
      actions={
        <CsvLink path={`/lists/${listId}/stats.csv`} query={{ table: 'campaigns' }} what={t('lists.stats.title')} />
      }
      flush
    >
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <Text c="dimmed" p="md">
              {t('lists.stats.none')}
            </Text>
          ) : (
            <>
              <DataTable
                label={t('lists.stats.title')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.campaign_id}
              />
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
            </>
          )
        }
      </QueryView>
    </Section>
  );
}
