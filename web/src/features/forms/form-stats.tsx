import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { SignUpStats } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { StatGrid } from '@/ui/stat-tile';
import { type ChartSeries, TimeChart } from '@/ui/time-chart';
import { formStatsQuery } from './queries';

const POLL_MS = 10_000;

/** What came of a form, in all and by day. */
export function FormStats({ id }: { id: number }) {
  const query = useQuery({ ...formStatsQuery(id), refetchInterval: POLL_MS });
  return <QueryView query={query}>{(stats) => <Figures stats={stats} />}</QueryView>;
}

function Figures({ stats }: { stats: SignUpStats }) {
  const { t } = useTranslation();
  const { total, days } = stats;
  const on = total.confirmed + total.done;
  const share = (n: number) => total.sign_ups > 0 && t('forms.stats.of', { share: formatPercent(n, total.sign_ups) });
  const times = useMemo(() => days.map((day) => Date.parse(day.day) / 1000), [days]);
  const series = useMemo<ChartSeries[]>(
    () => [
      { label: t('forms.stats.signUps'), color: 'sent', values: days.map((day) => day.sign_ups) },
      { label: t('forms.stats.onLists'), color: 'opens', values: days.map((day) => day.confirmed + day.done) },
      { label: t('forms.stats.expired'), color: 'deferred', values: days.map((day) => day.expired) },
    ],
    [days, t],
  );
  return (
    <Stack>
      <StatGrid
        stats={[
          {
            label: t('forms.stats.signUps'),
            value: formatNumber(total.sign_ups),
            hint: total.refused > 0 && t('forms.stats.refused', { count: total.refused }),
          },
          { label: t('forms.stats.onLists'), value: formatNumber(on), hint: share(on) },
          { label: t('forms.stats.pending'), value: formatNumber(total.pending), hint: share(total.pending) },
          {
            label: t('forms.stats.expired'),
            value: formatNumber(total.expired),
            hint: total.declined > 0 ? t('forms.stats.declined', { count: total.declined }) : share(total.expired),
          },
        ]}
      />
      <Section title={t('forms.stats.chart')}>
        {days.every((day) => day.sign_ups === 0) ? (
          <Text c="dimmed">{t('forms.stats.none')}</Text>
        ) : (
          <TimeChart
            times={times}
            series={series}
            unit="day"
            timeName={t('forms.stats.day')}
            label={t('forms.stats.chartLabel')}
            height={220}
          />
        )}
      </Section>
      {total.failed + total.unsent > 0 && (
        <Text size="sm" c="dimmed">
          {t('forms.stats.rest')}: <span className="tabular">{formatNumber(total.failed + total.unsent)}</span>
        </Text>
      )}
    </Stack>
  );
}
