import { Divider, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import { IconClockPause, IconGauge } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Domain, Holdup } from '@/api/types';
import { capitalized } from '@/lib/format';
import { QueryView } from '@/ui/query-view';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { EstimateBox } from '@/ui/sending-plan/estimate-box';
import { UsageBar } from '@/ui/sending-plan/usage-bar';
import { domainPaceQuery } from './queries';

/** How often the page asks how much of the day's share is used up. */
const PACE_POLL_MS = 5_000;

/** How much of the day's share of a domain went out, what holds it up, and when a mailing would be through. */
export function DomainPaceCard({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const query = useQuery({ ...domainPaceQuery(domain.id), refetchInterval: PACE_POLL_MS });
  return (
    <Section title={t('domains.pace.title')}>
      <QueryView query={query}>
        {(pace) => (
          <Stack>
            <Status heldUp={pace.held_up} />
            {pace.warmup_cap !== null && (
              <UsageBar label={t('plan.usage.lastDayWarmup')} used={pace.used_day} most={pace.warmup_cap} />
            )}
            <Divider />
            <EstimateBox of="domains" id={domain.id} />
          </Stack>
        )}
      </QueryView>
    </Section>
  );
}

function Status({ heldUp }: { heldUp: Holdup | null }) {
  const { t } = useTranslation();
  const Icon = heldUp ? IconClockPause : IconGauge;
  const tone = heldUp ? 'warn' : 'good';
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm" role="status">
      <ThemeIcon size={36} radius="md" variant="transparent" style={{ background: `var(--app-${tone}-soft)` }}>
        <Icon size={20} color={`var(--app-${tone})`} />
      </ThemeIcon>
      <div style={{ flex: 1, minWidth: 0 }}>
        <Text fw={600}>{heldUp ? t('domains.pace.heldUp') : t('domains.pace.free')}</Text>
        {heldUp && (
          <Text component="div">
            {capitalized(heldUp.reason)}.{' '}
            {heldUp.until && (
              <>
                {t('domains.pace.until')}{' '}
                <strong>
                  <DateTime at={heldUp.until} />
                </strong>{' '}
                (<RelativeTime at={heldUp.until} />
                ).
              </>
            )}
          </Text>
        )}
      </div>
    </Group>
  );
}
