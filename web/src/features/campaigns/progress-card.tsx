import { Alert, Box, Group, Paper, Text } from '@mantine/core';
import { IconClockPause } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Campaign, Holdup, Stats } from '@/api/types';
import { capitalized, formatDuration, formatNumber, formatPercent, formatRate } from '@/lib/format';
import { doneCount } from '@/lib/states';
import { DeliveryBar } from '@/ui/delivery-bar';
import { LinkAnchor } from '@/ui/link';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { ForecastNote } from './forecast-note';
import { RelayLine } from './relay-line';

type Props = { campaign: Campaign; stats: Stats };

export function ProgressCard({ campaign, stats }: Props) {
  const { t } = useTranslation();
  const done = doneCount(stats);
  const running = campaign.status === 'running';
  const heldUp = running ? stats.held_up : null;
  const rate = running && !heldUp && stats.rate_per_second !== null ? formatRate(stats.rate_per_second) : null;
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
          {running && !heldUp && stats.seconds_left !== null && (
            <Text>{t('campaigns.live.left', { time: formatDuration(stats.seconds_left) })}</Text>
          )}
          {took !== null && <Text c="dimmed">{t('campaigns.live.took', { time: formatDuration(took) })}</Text>}
          {running && !heldUp && stats.seconds_left === null && stats.deferred > 0 && (
            <Text c="dimmed">{t('campaigns.live.retrying', { deferred: formatNumber(stats.deferred) })}</Text>
          )}
        </Group>
      </Group>
      {campaign.freezing && (
        <Text c="dimmed" mb="sm">
          {t('campaigns.live.freezing')}
        </Text>
      )}
      {heldUp && <HeldUp holdup={heldUp} campaign={campaign} />}
      <DeliveryBar stats={stats} label={t('campaigns.progressOf', { name: campaign.name })} legend />
      <RelayLine campaign={campaign} />
    </Paper>
  );
}

/** Why nothing goes out although people wait, and when it goes on: the time left would be a guess. */
function HeldUp({ holdup, campaign }: { holdup: Holdup; campaign: Campaign }) {
  const { t } = useTranslation();
  return (
    <Alert
      variant="default"
      mb="md"
      icon={<IconClockPause color="var(--app-warn)" />}
      title={t('campaigns.live.heldUp.title')}
    >
      <Text style={{ overflowWrap: 'anywhere' }}>{capitalized(holdup.reason)}.</Text>
      <Group justify="space-between" gap="xs">
        <Text component="div">
          {holdup.until ? (
            <>
              {t('campaigns.live.heldUp.until')}{' '}
              <strong>
                <DateTime at={holdup.until} />
              </strong>{' '}
              (<RelativeTime at={holdup.until} />
              ).
            </>
          ) : (
            t('campaigns.live.heldUp.byHand')
          )}
        </Text>
        {holdup.domain_id !== null && (
          <LinkAnchor to="/domains/$id" params={{ id: String(holdup.domain_id) }} className="link">
            {t('campaigns.live.heldUp.domain')}
          </LinkAnchor>
        )}
        {holdup.relay_id !== null && (
          <LinkAnchor to="/relays/$id" params={{ id: String(holdup.relay_id) }} className="link">
            {t('campaigns.live.heldUp.relay')}
          </LinkAnchor>
        )}
      </Group>
      <Box mt="xs">
        <ForecastNote campaignId={campaign.id} kind="running" />
      </Box>
    </Alert>
  );
}
