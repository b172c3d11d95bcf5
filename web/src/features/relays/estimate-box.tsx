import { Group, NumberInput, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { forecastQuery } from './queries';

const USUAL = 10_000;
const MOST = 1_000_000_000;
const TYPING_MS = 300;

/** When a number of messages would have gone out, with the limits as they are saved. */
export function EstimateBox({ relayId }: { relayId: number }) {
  const { t } = useTranslation();
  const [messages, setMessages] = useState<number | string>(USUAL);
  const [count] = useDebouncedValue(Number(messages) || 0, TYPING_MS);
  const forecast = useQuery({ ...forecastQuery(relayId, count), enabled: count >= 1 });
  return (
    <Group gap="sm" align="flex-end">
      <NumberInput
        label={t('relays.estimate.label')}
        w={130}
        min={1}
        max={MOST}
        clampBehavior="strict"
        allowDecimal={false}
        allowNegative={false}
        thousandSeparator=","
        step={1000}
        value={messages}
        onChange={setMessages}
      />
      <Text component="div" pb={7} aria-live="polite" style={{ flex: '1 1 240px' }}>
        {forecast.error && errorMessage(forecast.error)}
        {count >= 1 && forecast.data && <Answer at={forecast.data.ends_at} />}
      </Text>
    </Group>
  );
}

function Answer({ at }: { at: string | null }) {
  const { t } = useTranslation();
  if (!at) return t('relays.estimate.unbounded');
  return (
    <>
      {t('relays.estimate.through')}{' '}
      <strong>
        <DateTime at={at} />
      </strong>{' '}
      (<RelativeTime at={at} />
      ).
    </>
  );
}
