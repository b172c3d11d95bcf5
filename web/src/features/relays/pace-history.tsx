import { Button, Text, Timeline, Title } from '@mantine/core';
import {
  IconBan,
  IconGauge,
  IconLockOpen,
  IconPlayerPause,
  IconPlayerPlay,
  IconTrendingDown,
  IconTrendingUp,
} from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PaceChange } from '@/api/types';
import { paceReason } from '@/lib/pace-state';
import { DateTime, RelativeTime } from '@/ui/relative-time';

const icons: Record<PaceChange['change'], [icon: typeof IconGauge, color: string]> = {
  slower: [IconTrendingDown, 'var(--app-warn)'],
  faster: [IconTrendingUp, 'var(--app-good)'],
  full_speed: [IconGauge, 'var(--app-good)'],
  blocked: [IconBan, 'var(--app-bad)'],
  unblocked: [IconLockOpen, 'var(--app-info)'],
  paused: [IconPlayerPause, 'var(--app-warn)'],
  resumed: [IconPlayerPlay, 'var(--app-info)'],
};

const SHOWN = 4;

/** The latest changes of pace, newest first. */
export function PaceHistory({ changes }: { changes: PaceChange[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const shown = all ? changes : changes.slice(0, SHOWN);
  return (
    <div>
      <Title order={3} mb="sm">
        {t('relays.pace.history')}
      </Title>
      <Timeline bulletSize={26} lineWidth={2} color="gray">
        {shown.map((change) => {
          const [Icon, color] = icons[change.change];
          return (
            <Timeline.Item
              key={`${change.at} ${change.change}`}
              bullet={<Icon size={15} color={color} />}
              title={<ChangeTitle change={change} />}
            >
              <ChangeDetail change={change} />
            </Timeline.Item>
          );
        })}
      </Timeline>
      {changes.length > SHOWN && (
        <Button mt="sm" size="compact-sm" variant="subtle" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('relays.pace.showFewer') : t('relays.pace.showAll', { count: changes.length })}
        </Button>
      )}
    </div>
  );
}

function ChangeTitle({ change: { change, connections } }: { change: PaceChange }) {
  const { t } = useTranslation();
  const counted = (change === 'slower' || change === 'faster') && connections !== null;
  return counted ? t(`relays.pace.change.${change}To`, { count: connections }) : t(`relays.pace.change.${change}`);
}

function ChangeDetail({ change: { at, change, until, reason, reply } }: { change: PaceChange }) {
  const { t } = useTranslation();
  const worse = change === 'slower' || change === 'blocked';
  return (
    <>
      <Text size="sm" c="dimmed">
        <RelativeTime at={at} />
        {until && (
          <>
            {' · '}
            {t(change === 'blocked' ? 'relays.pace.blockedUntil' : 'relays.pace.restedUntil')} <DateTime at={until} />
          </>
        )}
      </Text>
      {worse && reason && <Text size="sm">{t(`relays.pace.reason.${paceReason(reason)}`)}</Text>}
      {reply && (
        <Text className="mono" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
          {reply}
        </Text>
      )}
    </>
  );
}
