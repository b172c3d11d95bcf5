import { Group, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Overview } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { StatGrid } from '@/ui/stat-tile';
import { type ChartSeries, TimeChart } from '@/ui/time-chart';
import { Checklist } from './checklist';
import { overviewQuery } from './queries';
import { RecentCampaigns } from './recent-campaigns';
import { RunningCampaigns } from './running-campaigns';

export function OverviewPage() {
  const { t } = useTranslation();
  const query = useQuery(overviewQuery);
  return (
    <>
      <PageHeader
        title={t('nav.overview')}
        actions={
          <LinkButton to="/campaigns/new" leftSection={<IconPlus size={16} />}>
            {t('campaigns.new')}
          </LinkButton>
        }
      />
      <QueryView query={query}>{(overview) => <Content overview={overview} />}</QueryView>
    </>
  );
}

function Content({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const complete = Object.values(overview.checklist).every(Boolean);
  const attempted = overview.sent_24h + overview.bounced_24h;
  const sentEver = overview.sent_by_day.sent.some((count) => count > 0);
  return (
    <Stack>
      {!complete && <Checklist checklist={overview.checklist} />}
      <StatGrid
        stats={[
          { label: t('nav.subscribers'), value: formatNumber(overview.subscribers) },
          { label: t('nav.lists'), value: formatNumber(overview.lists) },
          { label: t('overview.sent'), value: formatNumber(overview.sent_24h), hint: t('overview.lastDay') },
          {
            label: t('overview.bounced'),
            value: formatNumber(overview.bounced_24h),
            hint:
              attempted > 0
                ? t('overview.bounceShare', { percent: formatPercent(overview.bounced_24h, attempted) })
                : t('overview.lastDay'),
          },
        ]}
      />
      {overview.running.length > 0 && <RunningCampaigns running={overview.running} />}
      <Section title={t('overview.chart')}>
        <Stack>
          <Month month={overview.last_30_days} />
          {sentEver ? <DailyChart days={overview.sent_by_day} /> : <Text c="dimmed">{t('overview.noChart')}</Text>}
        </Stack>
      </Section>
      {overview.recent.length > 0 && <RecentCampaigns recent={overview.recent} />}
    </Stack>
  );
}

function Month({ month }: { month: Overview['last_30_days'] }) {
  const { t } = useTranslation();
  const share = (part: number) =>
    month.sent > 0 ? t('overview.month.share', { percent: formatPercent(part, month.sent) }) : '';
  const figures = [
    { key: 'sent', label: t('overview.month.sent'), value: month.sent, hint: '' },
    { key: 'bounced', label: t('overview.month.bounced'), value: month.bounced, hint: share(month.bounced) },
    {
      key: 'complaints',
      label: t('overview.month.complaints'),
      value: month.complaints,
      hint: share(month.complaints),
    },
  ];
  return (
    <Group gap="xl" component="dl" m={0}>
      {figures.map((one) => (
        <div key={one.key}>
          <Text component="dt" size="sm" c="dimmed">
            {one.label}
          </Text>
          <Text component="dd" m={0} fw={600} className="tabular">
            {formatNumber(one.value)}{' '}
            {one.hint && (
              <Text span size="sm" c="dimmed" fw={400}>
                {one.hint}
              </Text>
            )}
          </Text>
        </div>
      ))}
    </Group>
  );
}

function DailyChart({ days }: { days: Overview['sent_by_day'] }) {
  const { t } = useTranslation();
  const series = useMemo<ChartSeries[]>(
    () => [
      { label: t('chart.sent'), color: 'sent', values: days.sent },
      { label: t('chart.opens'), color: 'opens', values: days.opens.human },
      { label: t('chart.clicks'), color: 'clicks', values: days.clicks.human },
      { label: t('chart.bounced'), color: 'bounced', values: days.bounced },
    ],
    [days, t],
  );
  return (
    <TimeChart
      times={days.times}
      series={series}
      unit="day"
      timeName={t('chart.day')}
      label={t('overview.chartLabel')}
    />
  );
}
