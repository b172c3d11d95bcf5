import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { flowsOf } from '@/lib/routing';
import { isLive } from '@/lib/states';
import { LinkAnchor } from '@/ui/link';
import { roleOf } from '@/ui/mailing/plan';
import { useRelays } from '@/ui/mailing/use-relays';
import { PaceBadge } from '@/ui/pace-badge';

/** Through which relays a campaign goes. Shares and states are told while it goes: afterwards they say nothing about what was. */
export function RelayLine({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const { relays } = useRelays(campaign.relay_ids);
  const live = isLive(campaign.status);
  const flows = flowsOf(relays, campaign.from_email);
  if (relays.length === 0) return null;
  return (
    <Group gap="xs" component="section" aria-label={t('campaigns.live.through', { count: relays.length })} mt="md">
      <Text size="sm" c="dimmed">
        {t('campaigns.live.through', { count: relays.length })}
      </Text>
      {relays.map((relay) => (
        <Group key={relay.id} gap={6}>
          <LinkAnchor to="/relays/$id" params={{ id: String(relay.id) }} className="link" size="sm">
            {relay.name}
          </LinkAnchor>
          {live && relays.length > 1 && (
            <Text size="sm" c="dimmed" className="tabular">
              {roleOf(t, relay, flows) ?? t('campaigns.role.none')}
            </Text>
          )}
          {live && <PaceBadge relay={relay} />}
        </Group>
      ))}
    </Group>
  );
}
