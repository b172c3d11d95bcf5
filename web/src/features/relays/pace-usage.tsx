import { SimpleGrid } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Relay, RelayPace } from '@/api/types';
import { UsageBar } from '@/ui/sending-plan/usage-bar';

type Props = { relay: Relay; pace: RelayPace };

/** How much of an hour's and a day's share went out. */
export function PaceUsage({ relay, pace }: Props) {
  const { t } = useTranslation();
  const caps = [relay.per_day, pace.warmup_cap].filter((cap) => cap !== null);
  const day = caps.length > 0 ? Math.min(...caps) : null;
  if (relay.per_hour === null && day === null) return null;
  const warming = pace.warmup_cap !== null && day === pace.warmup_cap;
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      {relay.per_hour !== null && (
        <UsageBar label={t('plan.usage.lastHour')} used={pace.used_hour} most={relay.per_hour} />
      )}
      {day !== null && (
        <UsageBar
          label={warming ? t('plan.usage.lastDayWarmup') : t('plan.usage.lastDay')}
          used={pace.used_day}
          most={day}
        />
      )}
    </SimpleGrid>
  );
}
