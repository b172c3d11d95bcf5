import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { capitalized, formatNumber } from '@/lib/format';
import { DateTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { isCounted, type PaceState, paceState, paceTone } from './pace-state';
import { paceQuery } from './queries';

const POLL_MS = 15_000;

/** The relay's state in a table: active, or what keeps it from full speed, and until when. */
export function PaceBadge({ relay }: { relay: Relay }) {
  const { t } = useTranslation();
  // Only a window and a counted limit can hold up a relay whose row does not show it.
  const hidden = relay.status === 'active' && (relay.window !== null || isCounted(relay));
  const pace = useQuery({ ...paceQuery(relay.id), enabled: hidden, refetchInterval: POLL_MS });
  const state = paceState(relay, pace.data?.held_up ?? null, Date.now());
  return (
    <div>
      <StatusBadge tone={paceTone[state.kind]}>{t(`relays.pace.badge.${state.kind}`)}</StatusBadge>
      <Text size="sm" c="dimmed" lineClamp={2} component="div">
        <Detail state={state} relay={relay} />
      </Text>
    </div>
  );
}

function Detail({ state, relay }: { state: PaceState; relay: Relay }) {
  const { t } = useTranslation();
  const until = (at: string) => (
    <>
      {t('relays.pace.until')} <DateTime at={at} />
    </>
  );
  switch (state.kind) {
    case 'full':
      return null;
    case 'paused':
      return relay.pause_reason;
    case 'trouble':
      return state.reason;
    case 'blocked':
      return until(state.until);
    case 'resting':
      return until(state.pace.rest_until);
    case 'slower':
      return t('relays.pace.connections', { used: formatNumber(state.pace.connections), count: relay.max_connections });
    case 'held_up':
      return (
        <>
          {capitalized(state.reason)}
          {state.until && <>, {until(state.until)}</>}
        </>
      );
  }
}
