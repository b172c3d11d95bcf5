import { Group, NumberInput, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '@/api/client';
import { errorMessage } from '@/api/problem';
import type { Forecast } from '@/api/types';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { DecidedBy } from './decided-by';

const USUAL = 10_000;
const MOST = 1_000_000_000;
const TYPING_MS = 300;

/** When a number of messages would have gone out through a relay or from a domain, by what is saved of it and what is used up. */
export function EstimateBox({ of, id }: { of: 'relays' | 'domains'; id: number }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState<number | string>(USUAL);
  const [messages] = useDebouncedValue(Number(typed) || 0, TYPING_MS);
  const forecast = useQuery({
    queryKey: [of, id, 'forecast', messages],
    queryFn: ({ signal }) => api.get<Forecast>(`/${of}/${id}/forecast`, { messages }, signal),
    enabled: messages >= 1,
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
  return (
    <Group gap="sm" align="flex-end">
      <NumberInput
        label={t('plan.estimate.label')}
        w={130}
        min={1}
        max={MOST}
        clampBehavior="strict"
        allowDecimal={false}
        allowNegative={false}
        thousandSeparator=","
        step={1000}
        value={typed}
        onChange={setTyped}
      />
      <Text component="div" pb={7} aria-live="polite" style={{ flex: '1 1 240px' }}>
        {forecast.error && errorMessage(forecast.error)}
        {messages >= 1 && forecast.data && <Answer forecast={forecast.data} />}
      </Text>
    </Group>
  );
}

function Answer({ forecast: { ends_at, decided_by } }: { forecast: Forecast }) {
  const { t } = useTranslation();
  if (!decided_by) return t('plan.estimate.unbounded');
  return (
    <>
      {ends_at && (
        <>
          {t('plan.estimate.through')}{' '}
          <strong>
            <DateTime at={ends_at} />
          </strong>{' '}
          (<RelativeTime at={ends_at} />
          ).{' '}
        </>
      )}
      <DecidedBy decider={decided_by} ends={ends_at !== null} />
    </>
  );
}
