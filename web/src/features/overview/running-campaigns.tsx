import { Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { CampaignOverview } from '@/api/types';
import { capitalized, formatDuration, formatRate } from '@/lib/format';
import { CampaignBadge } from '@/ui/campaign-badge';
import { DeliveryBar } from '@/ui/delivery-bar';
import { LinkAnchor } from '@/ui/link';
import { Section } from '@/ui/section';

export function RunningCampaigns({ running }: { running: CampaignOverview[] }) {
  const { t } = useTranslation();
  return (
    <Section title={t('overview.running')}>
      <Stack gap="lg">
        {running.map(({ campaign, stats }) => {
          const rate = stats.rate_per_second === null || stats.held_up ? null : formatRate(stats.rate_per_second);
          const waiting = stats.held_up ? capitalized(stats.held_up.reason) : campaign.pause_reason;
          return (
            <div key={campaign.id}>
              <Group justify="space-between" mb={8}>
                <Group gap="xs">
                  <LinkAnchor to="/campaigns/$id" params={{ id: String(campaign.id) }} className="link-strong">
                    {campaign.name}
                  </LinkAnchor>
                  <CampaignBadge status={campaign.status} />
                </Group>
                <Text size="sm" c="dimmed" className="tabular">
                  {[
                    t('campaigns.sentOf', { sent: stats.sent, recipients: stats.recipients }),
                    rate &&
                      `${rate.value} ${t(rate.per === 'second' ? 'campaigns.live.perSecond' : 'campaigns.live.perMinute')}`,
                    stats.seconds_left !== null &&
                      !stats.held_up &&
                      t('campaigns.live.left', { time: formatDuration(stats.seconds_left) }),
                  ]
                    .filter(Boolean)
                    .join(' · ')}
                </Text>
              </Group>
              <DeliveryBar stats={stats} label={t('campaigns.progressOf', { name: campaign.name })} />
              {waiting && (
                <Text size="sm" mt={6} c="var(--app-warn)">
                  {waiting}
                </Text>
              )}
            </div>
          );
        })}
      </Stack>
    </Section>
  );
}
