import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Selection } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { BarList } from '@/ui/bar-list';
import { Section } from '@/ui/section';
import { selectionQuery } from './queries';

/** Whom a campaign was for, as that was frozen, and how many it left out by which reason. Campaigns from before there were segments have none. */
export function SelectionCard({ campaignId, excluded }: { campaignId: number; excluded: number }) {
  const { t } = useTranslation();
  // Counts grow while the audience is being written: each figure is a question of its own.
  const query = useQuery({ ...selectionQuery(campaignId), queryKey: ['campaigns', campaignId, 'selection', excluded] });
  if (!query.data) return null;
  const { include, exclude, exclude_lists, cap, excluded: parts } = query.data;
  return (
    <Section title={t('campaigns.selection.title')} description={t('campaigns.selection.frozen')}>
      <Stack gap="sm">
        {include.length === 0 ? (
          <Text>{t('campaigns.selection.everybody')}</Text>
        ) : (
          <Segments label={t('campaigns.selection.segments')} segments={include} />
        )}
        <Segments label={t('campaigns.selection.except')} segments={exclude} />
        {exclude_lists.length > 0 && (
          <Text>
            {t('campaigns.selection.except')}: {exclude_lists.map((list) => list.name).join(', ')}
          </Text>
        )}
        {cap && <Text>{t('campaigns.selection.cap', { count: cap.mails, days: cap.days })}</Text>}
        {parts.length > 0 && (
          <BarList
            label={t('campaigns.audience.leftOut')}
            items={parts.map((part) => ({
              key: part.reason,
              label: t(`campaigns.audience.${part.reason}`),
              value: part.count,
              text: formatNumber(part.count),
            }))}
          />
        )}
      </Stack>
    </Section>
  );
}

function Segments({ label, segments }: { label: string; segments: Selection['include'] }) {
  return segments.map((segment) => (
    <div key={segment.id}>
      <Text>
        {label}: <strong>{segment.name}</strong>
      </Text>
      <Text size="sm" c="dimmed">
        {segment.sentence}
      </Text>
    </div>
  ));
}
