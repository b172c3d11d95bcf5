import { Divider, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { paceState } from '@/lib/pace-state';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { EstimateBox } from '@/ui/sending-plan/estimate-box';
import { PaceHistory } from './pace-history';
import { PaceStatus } from './pace-status';
import { PaceUsage } from './pace-usage';
import { paceQuery } from './queries';

/** How often the page asks how fast the relay is. */
export const PACE_POLL_MS = 5_000;

/** How fast the relay is used at the moment, why, and what came before. */
export function PaceCard({ relay }: { relay: Relay }) {
  const { t } = useTranslation();
  const query = useQuery({ ...paceQuery(relay.id), refetchInterval: PACE_POLL_MS });
  return (
    <Section title={t('relays.pace.title')}>
      <QueryView query={query}>
        {(pace) => (
          <Stack>
            <PaceStatus relay={relay} state={paceState(relay, pace.held_up, query.dataUpdatedAt)} />
            <PaceUsage relay={relay} pace={pace} />
            <Divider />
            <EstimateBox of="relays" id={relay.id} />
            {pace.changes.length > 0 && (
              <>
                <Divider />
                <PaceHistory changes={pace.changes} />
              </>
            )}
          </Stack>
        )}
      </QueryView>
    </Section>
  );
}
