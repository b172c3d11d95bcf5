import { Group, Paper, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Campaign, Stats } from '@/api/types';
import { formatDuration, formatNumber, formatPercent, formatRate } from '@/lib/format';
import { doneCount } from '@/lib/states';
import { DeliveryBar } from '@/ui/delivery-bar';

type Props = { campaign: Campaign; stats: Stats };

export function ProgressCard({ campaign, stats }: Props) {
  const { t } = useTranslation();
  const done = doneCount(stats);
  const running = campaign.status === 'running';
  const rate = running && stats.rate_per_second !== null ? formatRate(stats.rate_per_second) : null;
  const took =
    campaign.started_at && campaign.finished_at
      ? (new Date(campaign.finished_at).getTime() - new Date(campaign.started_at).getTime()) / 1000
      : null;
  return (
    <Paper p="md" component="section" aria-label={t('campaigns.progress')}>
      <Group justify="space-between" align="flex-end" mb="sm" gap="xs">
        <Group gap="xs" align="baseline">
          <Text fz={26} fw={650} lh={1.2} className="tabular">
            {formatPercent(done, stats.recipients)}
          </Text>
          <Text c="dimmed" className="tabular">
            {t('campaigns.live.doneOf', { done, recipients: stats.recipients })}
          </Text>
        </Group>
        <Group gap="lg" className="tabular">
          {rate && (
            <Text>
              <strong>{rate.value}</strong>{' '}
              {t(rate.per === 'second' ? 'campaigns.live.perSecond' : 'campaigns.live.perMinute')}
            </Text>
          )}
          {running && stats.seconds_left !== null && (
            <Text>{t('campaigns.live.left', { time: formatDuration(stats.seconds_left) })}</Text>
          )}
          {took !== null && <Text c="dimmed">{t('campaigns.live.took', { time: formatDuration(took) })}</Text>}
          {running && stats.seconds_left === null && stats.deferred > 0 && (
            <Text c="dimmed">{t('campaigns.live.retrying', { deferred: formatNumber(stats.deferred) })}</Text>
          )}
        </Group>
      </Group>
      <DeliveryBar stats={stats} label={t('campaigns.progressOf', { name: campaign.name })} legend />
    </Paper>
  );
}
