import { Text, Timeline } from '@mantine/core';
import { IconAlertTriangle, IconClick, IconMailOpened, IconThumbDown, IconUserMinus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Event } from '@/api/types';
import { DateTime } from './relative-time';

const icons = {
  open: IconMailOpened,
  click: IconClick,
  unsubscribe: IconUserMinus,
  bounce: IconAlertTriangle,
  complaint: IconThumbDown,
};

/** What a recipient did, in order. */
export function EventList({ events }: { events: Event[] }) {
  const { t } = useTranslation();
  return (
    <Timeline bulletSize={26} lineWidth={2} color="gray">
      {events.map((event) => {
        const Icon = icons[event.kind];
        return (
          <Timeline.Item key={event.id} bullet={<Icon size={14} />} title={t(`events.${event.kind}`)}>
            <Text size="sm" c="dimmed">
              <DateTime at={event.at} />
            </Text>
            <EventFacts event={event} />
          </Timeline.Item>
        );
      })}
    </Timeline>
  );
}

/** What is known of an event besides its kind and time. */
export function EventFacts({ event }: { event: Event }) {
  const { t } = useTranslation();
  return (
    <>
      {event.actor && event.actor !== 'human' && (
        <Text size="sm">
          {t(`tracking.by.${event.actor}`)}
          {event.rule && `: ${t(`tracking.rule.${event.rule}`)}`}
        </Text>
      )}
      {event.url && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {event.url}
        </Text>
      )}
      {event.detail && (
        <Text size="sm" className="mono" style={{ overflowWrap: 'anywhere' }}>
          {event.detail}
        </Text>
      )}
      {event.user_agent && (
        <Text size="xs" c="dimmed" lineClamp={2}>
          {event.user_agent}
        </Text>
      )}
    </>
  );
}
