import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { siteLimitsQuery } from '@/features/site-limits/queries';
import { flowsOf } from '@/lib/routing';
import { siteName } from '@/lib/sites';
import { planOf } from './plan';

type Props = { relays: Relay[]; from: string };

/** What will happen to the mail, in plain sentences. */
export function RelayPlan({ relays, from }: Props) {
  const { t } = useTranslation();
  const restricted = relays.some((relay) => relay.recipient_sites.length > 0);
  const { data } = useQuery({ ...siteLimitsQuery, enabled: restricted });
  const sentences = planOf(t, flowsOf(relays, from), (site) => siteName(data?.known ?? [], site));
  if (sentences.length === 0) return null;
  return (
    <div>
      {sentences.map((sentence) => (
        <Text key={sentence} style={{ overflowWrap: 'anywhere' }}>
          {sentence}
        </Text>
      ))}
    </div>
  );
}
