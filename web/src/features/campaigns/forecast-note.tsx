import { Group, Text } from '@mantine/core';
import { IconClockHour4 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { forecastQuery, relayQuery } from '@/features/relays/queries';
import { formatList } from '@/lib/format';
import { DateTime } from '@/ui/relative-time';

type Props = { relayId: number | null; messages: number; kind: 'start' | 'schedule' };

/** What ends sooner is not worth a word. */
const SOON_MS = 120_000;

/** When the last message will have gone out, where the relay and not the machine decides that, and what in it does. */
export function ForecastNote({ relayId, messages, kind }: Props) {
  const { t } = useTranslation();
  const enabled = relayId !== null && messages > 0;
  const relay = useQuery({ ...relayQuery(relayId ?? 0), enabled });
  const forecast = useQuery({ ...forecastQuery(relayId ?? 0, messages), enabled });
  const ends = forecast.data?.ends_at;
  if (!enabled || !ends || new Date(ends).getTime() - forecast.dataUpdatedAt < SOON_MS) return null;
  const why = relay.data ? reasons(relay.data, forecast.dataUpdatedAt) : [];
  return (
    <Group gap={8} wrap="nowrap" align="flex-start">
      <IconClockHour4 size={18} color="var(--app-warn)" style={{ flexShrink: 0, marginTop: 1 }} />
      <Text component="div">
        {t(`campaigns.forecast.${kind}`)}{' '}
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

/** What in the relay decides when the mailing ends. */
function reasons(relay: Relay, now: number) {
  const { per_second, per_minute, per_hour, per_day, warmup, window, blocked_until } = relay;
  const facts = {
    limits: [per_second, per_minute, per_hour, per_day].some((limit) => limit !== null),
    warmup: warmup !== null,
    window: window !== null,
    block: blocked_until !== null && new Date(blocked_until).getTime() > now,
  };
  return (['limits', 'warmup', 'window', 'block'] as const).filter((name) => facts[name]);
}
