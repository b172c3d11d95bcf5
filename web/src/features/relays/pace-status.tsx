import { Button, Group, Stack, Text, ThemeIcon } from '@mantine/core';
import {
  IconBan,
  IconClockPause,
  IconGauge,
  IconHourglass,
  IconPlayerPause,
  IconPlugConnectedX,
  IconTrendingDown,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { capitalized, formatDateTime, formatNumber } from '@/lib/format';
import { type PaceState, paceReason, paceTone } from '@/lib/pace-state';
import { useTimeZone } from '@/lib/time-zone';
import { confirmAction } from '@/ui/confirm';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { providersQuery } from './queries';
import { useResume } from './use-resume';

const icons: Record<PaceState['kind'], typeof IconGauge> = {
  paused: IconPlayerPause,
  blocked: IconBan,
  held_up: IconClockPause,
  resting: IconHourglass,
  slower: IconTrendingDown,
  trouble: IconPlugConnectedX,
  full: IconGauge,
};

type Props = { relay: Relay; state: PaceState };

/** One sentence about the speed, the reason for it, and the server's words. */
export function PaceStatus({ relay, state }: Props) {
  const { t } = useTranslation();
  const Icon = icons[state.kind];
  const tone = paceTone[state.kind];
  return (
    <Group wrap="nowrap" align="flex-start" gap="sm" role="status">
      <ThemeIcon size={36} radius="md" variant="transparent" style={{ background: `var(--app-${tone}-soft)` }}>
        <Icon size={20} color={`var(--app-${tone})`} />
      </ThemeIcon>
      <Stack gap={6} style={{ flex: 1, minWidth: 0 }}>
        <div>
          <Text fw={600}>{t(`relays.pace.state.${state.kind}`)}</Text>
          <Text component="div">
            <Explanation relay={relay} state={state} />
          </Text>
        </div>
        <Words state={state} />
        {state.kind === 'blocked' && <ResumeNow relay={relay} until={state.until} />}
      </Stack>
    </Group>
  );
}

function Explanation({ relay, state }: Props) {
  const { t } = useTranslation();
  const used = (connections: number) =>
    t('relays.pace.connections', { used: formatNumber(connections), count: relay.max_connections });
  switch (state.kind) {
    case 'full':
      return t('relays.pace.full', { count: relay.max_connections });
    case 'paused':
      return relay.pause_reason ?? t('relays.pausedByHand');
    case 'trouble':
      return t('relays.pace.troubleText');
    case 'blocked':
      return <Until lead={t('relays.pace.blockedText')} at={state.until} />;
    case 'held_up':
      return state.until ? (
        <Until lead={`${capitalized(state.reason)}.`} at={state.until} />
      ) : (
        `${capitalized(state.reason)}.`
      );
    case 'resting':
      return (
        <>
          <Until lead={t(`relays.pace.reason.${paceReason(state.pace.reason)}`)} at={state.pace.rest_until} />{' '}
          {t('relays.pace.then', { connections: used(state.pace.connections) })}
        </>
      );
    case 'slower':
      return `${t(`relays.pace.reason.${paceReason(state.pace.reason)}`)} ${t('relays.pace.now', { connections: used(state.pace.connections) })}`;
  }
}

/** A sentence, and when it goes on. */
function Until({ lead, at }: { lead: ReactNode; at: string }) {
  const { t } = useTranslation();
  return (
    <>
      {lead} {t('relays.pace.goesOn')}{' '}
      <strong>
        <DateTime at={at} />
      </strong>{' '}
      (<RelativeTime at={at} />
      ).
    </>
  );
}

/** What the server said, word for word. */
function Words({ state }: { state: PaceState }) {
  const words =
    state.kind === 'blocked' || state.kind === 'trouble'
      ? state.reason
      : state.kind === 'resting' || state.kind === 'slower'
        ? state.pace.reply
        : '';
  if (!words) return null;
  return (
    <Text className="mono" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
      {words}
    </Text>
  );
}

/** Lets a person end a block, after saying what that may cost. */
function ResumeNow({ relay, until }: { relay: Relay; until: string }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const resume = useResume(relay.id);
  const { data } = useQuery(providersQuery);
  const known = data?.items ?? [];
  const provider =
    known.find((one) => one.id === relay.provider) ??
    known.find((one) => one.hosts.some(({ host }) => host === relay.host));
  const extended = provider?.quota.extended ? (
    <Text fw={600} c="var(--app-bad)">
      {t('relays.pace.extended', { name: provider.name })}
    </Text>
  ) : null;
  return (
    <>
      {extended ??
        (provider?.quota.text && (
          <Text size="sm" c="dimmed">
            {provider.name}: {provider.quota.text}
          </Text>
        ))}
      <div>
        <Button
          size="xs"
          variant="default"
          loading={resume.isPending}
          onClick={() =>
            confirmAction({
              title: t('relays.pace.resumeTitle', { name: relay.name }),
              body: (
                <Stack gap="xs">
                  <Text>{t('relays.pace.resumeText', { at: formatDateTime(until, timeZone) })}</Text>
                  {extended}
                </Stack>
              ),
              confirm: t('relays.pace.resume'),
              danger: Boolean(extended),
              onConfirm: () => resume.mutate(),
            })
          }
        >
          {t('relays.pace.resume')}
        </Button>
      </div>
    </>
  );
}
