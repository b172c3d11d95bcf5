import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RelayFigures } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { useWords } from '@/lib/words';
import { BarList } from '@/ui/bar-list';
import { CsvLink } from '@/ui/csv-link';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { StatGrid } from '@/ui/stat-tile';
import { relayStatsQuery } from './queries';

const REFRESH_MS = 60_000;

/** What came of the mail through a relay in the last day and month. */
export function RelayStatsCard({ relayId }: { relayId: number }) {
  const { t } = useTranslation();
  const [span, setSpan] = useState<'day' | 'month'>('day');
  const query = useQuery({ ...relayStatsQuery(relayId), refetchInterval: REFRESH_MS });
  return (
    <Section
      title={t('relays.stats.title')}
      description={t('relays.stats.text')}
      actions={
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label={t('relays.stats.span')}
            value={span}
            onChange={(value) => setSpan(value === 'month' ? 'month' : 'day')}
            data={[
              { value: 'day', label: t('relays.stats.day') },
              { value: 'month', label: t('relays.stats.month') },
            ]}
          />
          <CsvLink path={`/relays/${relayId}/stats.csv`} what={t('relays.stats.title')} />
        </Group>
      }
    >
      <QueryView query={query}>{(stats) => <Figures figures={stats[span]} />}</QueryView>
    </Section>
  );
}

function Figures({ figures }: { figures: RelayFigures }) {
  const { t } = useTranslation();
  const words = useWords();
  const share = (value: number) => t('relays.stats.ofAccepted', { percent: formatPercent(value, figures.accepted) });
  return (
    <Stack>
      <StatGrid
        stats={[
          { label: t('relays.stats.accepted'), value: formatNumber(figures.accepted) },
          {
            label: t('relays.stats.refused'),
            value: formatNumber(figures.refused + figures.failed),
            hint: t('relays.stats.putOffCount', { count: figures.put_off }),
          },
          {
            label: t('relays.stats.cameBack'),
            value: formatNumber(figures.came_back),
            hint: share(figures.came_back),
          },
          {
            label: t('relays.stats.complaints'),
            value: formatNumber(figures.complaints),
            hint: share(figures.complaints),
          },
        ]}
      />
      {figures.reasons.length === 0 ? (
        <Text c="dimmed">{t('relays.stats.noReasons')}</Text>
      ) : (
        <BarList
          label={t('relays.stats.reasons')}
          items={figures.reasons.map((one) => ({
            key: `${one.outcome} ${one.reason}`,
            label: words.reason(one.reason),
            value: one.count,
            text: `${formatNumber(one.count)} ${t(`outcomes.${one.outcome}`)}`,
          }))}
        />
      )}
    </Stack>
  );
}
