import { Group, SimpleGrid, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Relay, RelayPace } from '@/api/types';
import { StackedBar } from '@/ui/stacked-bar';

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
        <Usage label={t('relays.pace.lastHour')} used={pace.used_hour} most={relay.per_hour} />
      )}
      {day !== null && (
        <Usage
          label={warming ? t('relays.pace.lastDayWarmup') : t('relays.pace.lastDay')}
          used={pace.used_day}
          most={day}
        />
      )}
    </SimpleGrid>
  );
}

function Usage({ label, used, most }: { label: string; used: number; most: number }) {
  const { t } = useTranslation();
  const shown = Math.min(used, most);
  const color = used >= most ? 'var(--app-warn)' : 'var(--mantine-primary-color-filled)';
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={6}>
        <Text size="sm" c="dimmed">
          {label}
        </Text>
        <Text size="sm" className="tabular">
          {t('relays.pace.used', { used, most })}
        </Text>
      </Group>
      <StackedBar
        thin
        label={label}
        total={most}
        done={shown}
        parts={[{ key: 'used', label: t('relays.pace.sent'), value: shown, color }]}
      />
    </div>
  );
}
