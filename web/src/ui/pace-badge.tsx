import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { paceQuery } from '@/features/relays/queries';
import { capitalized, formatNumber } from '@/lib/format';
import { isCounted, type PaceState, paceState, paceTone } from '@/lib/pace-state';
import { DateTime } from './relative-time';
import { StatusBadge } from './status-badge';

const POLL_MS = 15_000;

/** Only a window and a counted limit can hold up a relay whose row does not show it: for these it is asked. */
function usePaceState(relay: Relay): PaceState {
  const hidden = relay.status === 'active' && (relay.window !== null || isCounted(relay));
  const pace = useQuery({ ...paceQuery(relay.id), enabled: hidden, refetchInterval: POLL_MS });
  return paceState(relay, (hidden && pace.data?.held_up) || null, Date.now());
}

/** Active, or what keeps the relay from full speed. */
export function PaceBadge({ relay }: { relay: Relay }) {
  const { t } = useTranslation();
  const { kind } = usePaceState(relay);
  return <StatusBadge tone={paceTone[kind]}>{t(`relays.pace.badge.${kind}`)}</StatusBadge>;
}

/** The badge in a table, with the reason or the end of what it tells. */
export function PaceCell({ relay }: { relay: Relay }) {
  const state = usePaceState(relay);
  return (
    <div>
      <PaceBadge relay={relay} />
      <Text size="sm" c="dimmed" lineClamp={3} component="div">
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
