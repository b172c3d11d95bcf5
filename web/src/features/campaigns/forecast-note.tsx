import { Group, Text } from '@mantine/core';
import { IconClockHour4 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { DateTime } from '@/ui/relative-time';
import { DecidedBy } from '@/ui/sending-plan/decided-by';
import { forecastQuery } from './queries';

type Props = {
  campaignId: number;
  kind: 'start' | 'schedule' | 'running';
  /** How many people it is for; left out: the server counts them. */
  messages?: number;
  /** When it begins; left out: now. */
  startAt?: string;
  enabled?: boolean;
};

/** What ends so soon after its beginning is not worth a word. */
const SOON_MS = 120_000;

/** When the last message will have gone out, where a limit and not the machine decides that, and which. */
export function ForecastNote({ campaignId, kind, messages, startAt, enabled = true }: Props) {
  const { t } = useTranslation();
  const query = useQuery({ ...forecastQuery(campaignId, messages, startAt), enabled: enabled && messages !== 0 });
  const { starts_at, ends_at, decided_by } = query.data ?? {};
  if (!enabled || !starts_at || !decided_by) return null;
  if (ends_at && new Date(ends_at).getTime() - new Date(starts_at).getTime() < SOON_MS) return null;
  return (
    <Group gap={8} wrap="nowrap" align="flex-start">
      <IconClockHour4 size={18} color="var(--app-warn)" style={{ flexShrink: 0, marginTop: 1 }} />
      <Text component="div">
        {ends_at && (
          <div>
            {t(`campaigns.forecast.${kind}`)}{' '}
            <strong>
              <DateTime at={ends_at} />
            </strong>
            .
          </div>
        )}
        <DecidedBy decider={decided_by} ends={Boolean(ends_at)} />
      </Text>
    </Group>
  );
}
