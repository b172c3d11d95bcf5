import { Group, Text } from '@mantine/core';
import { IconClockHour4 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { forecastQuery } from '@/features/relays/queries';
import { formatList } from '@/lib/format';
import { isBackup } from '@/lib/routing';
import { DateTime } from '@/ui/relative-time';
import { useRelays } from './use-relays';

type Props = { relayIds: number[]; messages: number; kind: 'start' | 'schedule' };

/** What ends sooner is not worth a word. */
const SOON_MS = 120_000;

/** When the last message will have gone out, where the relays and not the machine decide that, and what in them does. */
export function ForecastNote({ relayIds, messages, kind }: Props) {
  const { t } = useTranslation();
  const { relays } = useRelays(relayIds);
  const [first, ...others] = relayIds;
  const enabled = first !== undefined && messages > 0;
  const forecast = useQuery({ ...forecastQuery(first ?? 0, messages, others), enabled });
  const ends = forecast.data?.ends_at;
  if (!enabled || !ends || new Date(ends).getTime() - forecast.dataUpdatedAt < SOON_MS) return null;
  const why = reasons(relays, forecast.dataUpdatedAt);
  return (
    <Group gap={8} wrap="nowrap" align="flex-start">
      <IconClockHour4 size={18} color="var(--app-warn)" style={{ flexShrink: 0, marginTop: 1 }} />
      <Text component="div">
        {t(`campaigns.forecast.${kind}`, { count: relayIds.length })}{' '}
        <strong>
          <DateTime at={ends} />
        </strong>
        .
        {why.length > 0 && (
          <Text size="sm" c="dimmed">
            {t('campaigns.forecast.why', { why: formatList(why.map((one) => t(`campaigns.forecast.${one}`))) })}
          </Text>
        )}
      </Text>
    </Group>
  );
}

const decisive = ['limits', 'warmup', 'window', 'block'] as const;

/** What in the relays decides when the mailing ends. Backups do not count beside others. */
function reasons(relays: Relay[], now: number) {
  const regular = relays.filter((relay) => !isBackup(relay));
  const facts = (regular.length > 0 ? regular : relays).map((relay) => factsOf(relay, now));
  return decisive.filter((name) => facts.some((one) => one[name]));
}

function factsOf({ per_second, per_minute, per_hour, per_day, warmup, window, blocked_until }: Relay, now: number) {
  return {
    limits: [per_second, per_minute, per_hour, per_day].some((limit) => limit !== null),
    warmup: warmup !== null,
    window: window !== null,
    block: blocked_until !== null && new Date(blocked_until).getTime() > now,
  };
}
