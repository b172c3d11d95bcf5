import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Campaign, Stats, Tally } from '@/api/types';
import { formatNumber, formatPercent, NONE } from '@/lib/format';
import { total } from '@/lib/tally';
import { BarList } from '@/ui/bar-list';
import { CsvLink } from '@/ui/csv-link';
import { type Column, DataTable } from '@/ui/data-table';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { StatGrid } from '@/ui/stat-tile';
import { type ChartSeries, TimeChart } from '@/ui/time-chart';
import { OutcomesCards, OutcomeTotals } from './outcomes-cards';
import { linksQuery, timelineQuery } from './queries';
import { ReasonsCard } from './reasons-card';

type Props = { campaign: Campaign; stats: Stats; live: boolean };

const REFRESH_MS = 5_000;

export function ResultsTab({ campaign, stats, live }: Props) {
  const { t } = useTranslation();
  const tiles = [
    {
      label: t('campaigns.stats.opens'),
      value: campaign.track_opens ? formatPercent(stats.unique_opens.human, stats.sent) : NONE,
      hint: campaign.track_opens ? <TallyHint tally={stats.unique_opens} /> : t('campaigns.stats.notTracked'),
    },
    {
      label: t('campaigns.stats.clicks'),
      value: campaign.track_clicks ? formatPercent(stats.unique_clicks.human, stats.sent) : NONE,
      hint: campaign.track_clicks ? <TallyHint tally={stats.unique_clicks} /> : t('campaigns.stats.notTracked'),
    },
  ];
  return (
    <Stack>
      <OutcomeTotals id={campaign.id} live={live} />
      <StatGrid stats={tiles} />
      <TimelineCard id={campaign.id} live={live} />
      {(campaign.track_opens || campaign.track_clicks) && <ActorsCard campaign={campaign} stats={stats} />}
      <OutcomesCards id={campaign.id} live={live} />
      {campaign.track_clicks && <LinksCard id={campaign.id} live={live} />}
      {stats.unsubscribes > 0 && <ReasonsCard id={campaign.id} />}
    </Stack>
  );
}

/** Who was behind the figure of people, in words: machines and unknown ones stand beside it and are not in it. */
function TallyHint({ tally }: { tally: Tally }) {
  const { t } = useTranslation();
  return (
    <>
      <div>{t('campaigns.stats.people', { count: tally.human })}</div>
      <div>{t('tracking.beside', { machine: tally.machine, unknown: tally.unknown })}</div>
    </>
  );
}

function ActorsCard({ campaign, stats }: { campaign: Campaign; stats: Stats }) {
  const { t } = useTranslation();
  const rows = [
    campaign.track_opens && { name: t('tracking.openedBy'), tally: stats.unique_opens },
    campaign.track_opens && { name: t('tracking.opens'), tally: stats.opens },
    campaign.track_clicks && { name: t('tracking.clickedBy'), tally: stats.unique_clicks },
    campaign.track_clicks && { name: t('tracking.clicks'), tally: stats.clicks },
  ].filter((row) => row !== false);
  const columns: Column<(typeof rows)[number]>[] = [
    { key: 'name', header: t('tracking.figure'), width: '40%', render: (row) => row.name },
    { key: 'human', header: t('tracking.human'), align: 'end', render: (row) => formatNumber(row.tally.human) },
    { key: 'machine', header: t('tracking.machine'), align: 'end', render: (row) => formatNumber(row.tally.machine) },
    { key: 'unknown', header: t('tracking.unknown'), align: 'end', render: (row) => formatNumber(row.tally.unknown) },
  ];
  return (
    <Section title={t('tracking.title')} description={t('tracking.text')} flush>
      <DataTable label={t('tracking.title')} columns={columns} rows={rows} rowKey={(row) => row.name} />
    </Section>
  );
}

function TimelineCard({ id, live }: { id: number; live: boolean }) {
  const { t } = useTranslation();
  const query = useQuery({ ...timelineQuery(id), refetchInterval: live ? REFRESH_MS : false });
  const data = query.data;
  const series = useMemo<ChartSeries[]>(
    () =>
      data
        ? [
            { label: t('chart.sent'), color: 'sent', values: data.sent },
            { label: t('chart.opens'), color: 'opens', values: data.opens.human },
            { label: t('chart.clicks'), color: 'clicks', values: data.clicks.human },
            { label: t('chart.bounced'), color: 'bounced', values: data.bounced },
            { label: t('chart.deferred'), color: 'deferred', values: data.deferred },
          ]
        : [],
    [data, t],
  );
  return (
    <Section
      title={t('campaigns.live.timeline')}
      actions={
        <CsvLink
          path={`/campaigns/${id}/stats.csv`}
          query={{ table: 'timeline' }}
          what={t('campaigns.live.timeline')}
        />
      }
    >
      <QueryView query={query}>
        {(timeline) =>
          timeline.times.length === 0 ? (
            <Text c="dimmed">{t('campaigns.live.noTimeline')}</Text>
          ) : (
            <TimeChart
              times={timeline.times}
              series={series}
              unit="minute"
              timeName={t('chart.time')}
              label={t('campaigns.live.timelineLabel')}
            />
          )
        }
      </QueryView>
    </Section>
  );
}

function LinksCard({ id, live }: { id: number; live: boolean }) {
  const { t } = useTranslation();
  const query = useQuery({ ...linksQuery(id), refetchInterval: live ? REFRESH_MS : false });
  return (
    <Section
      title={t('campaigns.live.links')}
      actions={
        <CsvLink path={`/campaigns/${id}/stats.csv`} query={{ table: 'links' }} what={t('campaigns.live.links')} />
      }
    >
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Text c="dimmed">{t('campaigns.live.noLinks')}</Text>
          ) : (
            <BarList
              label={t('campaigns.live.links')}
              items={[...items]
                .sort((a, b) => b.clicks.human - a.clicks.human || total(b.clicks) - total(a.clicks))
                .map((link) => ({
                  key: link.id,
                  label: link.url,
                  value: link.clicks.human,
                  text: [
                    t('campaigns.live.linkClicks', { count: link.clicks.human, people: link.unique_clicks.human }),
                    link.clicks.machine + link.clicks.unknown > 0 &&
                      t('tracking.beside', { machine: link.clicks.machine, unknown: link.clicks.unknown }),
                  ]
                    .filter(Boolean)
                    .join(' · '),
                }))}
            />
          )
        }
      </QueryView>
    </Section>
  );
}
