import { Group, Stack, Text, Timeline } from '@mantine/core';
import {
  IconAlertTriangle,
  IconClick,
  IconClock,
  IconHelpCircle,
  IconHourglass,
  IconMailCheck,
  IconMailOpened,
  IconMailX,
  IconPlayerSkipForward,
  IconSend,
  IconThumbDown,
  IconUserMinus,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Attempt, DeliveryStory } from '@/api/types';
import { useWords } from '@/lib/words';
import { EventFacts } from '@/ui/event-list';
import { DateTime } from '@/ui/relative-time';
import { Reply } from '@/ui/reply';
import { ReportFacts } from '@/ui/reports/report-facts';
import { type Moment, storyOf } from './story';

/** What happened to one mail, from the queue to what its recipient did, as a timeline. */
export function Moments({ delivery }: { delivery: DeliveryStory }) {
  const { t } = useTranslation();
  const title = useTitles(delivery);
  const moments = storyOf(delivery);
  if (moments.length === 0) return <Text c="dimmed">{t('story.empty')}</Text>;
  return (
    <Timeline bulletSize={26} lineWidth={2} color="gray">
      {moments.map((moment) => (
        <Timeline.Item key={moment.key} bullet={bulletOf(moment)} title={title(moment)}>
          <Text size="sm" c="dimmed">
            <DateTime at={moment.at} />
            {moment.what === 'attempt' &&
              [moment.attempt.relay_name, t('story.attemptNumber', { number: moment.attempt.attempt })]
                .filter(Boolean)
                .map((part) => ` · ${part}`)
                .join('')}
            {moment.what === 'report' && ` · ${t('story.by', { source: moment.report.source })}`}
          </Text>
          <Body moment={moment} delivery={delivery} />
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

function useTitles(delivery: DeliveryStory): (moment: Moment) => string {
  const { t } = useTranslation();
  const outcomes = ['deferred', 'bounced', 'failed', 'unconfirmed', 'sent', 'queued'] as const;
  return (moment) => {
    switch (moment.what) {
      case 'attempt':
        return t(`story.attempt.${outcomes.find((one) => one === moment.attempt.outcome) ?? 'other'}`);
      case 'accepted':
        return delivery.relay_name ? t('story.accepted', { relay: delivery.relay_name }) : t('story.acceptedNoRelay');
      case 'report':
        return t(`story.report.${moment.report.kind}`);
      case 'event':
        return t(`events.${moment.event.kind}`);
      case 'ended':
        return t(`story.ended.${moment.state}`);
      default:
        return t(`story.${moment.what}`);
    }
  };
}

function bulletOf(moment: Moment): ReactNode {
  const Icon = iconOf(moment);
  return <Icon size={14} aria-hidden />;
}

function iconOf(moment: Moment) {
  switch (moment.what) {
    case 'queued':
    case 'next_try':
      return IconClock;
    case 'first_try':
      return IconSend;
    case 'accepted':
      return IconMailCheck;
    case 'skipped':
      return IconPlayerSkipForward;
    case 'attempt':
      if (moment.attempt.outcome === 'unconfirmed') return IconHelpCircle;
      return moment.attempt.outcome === 'deferred' ? IconHourglass : IconMailX;
    case 'ended':
      return moment.state === 'unconfirmed' ? IconHelpCircle : IconMailX;
    case 'report':
      return reportIcons[moment.report.kind];
    case 'event':
      return eventIcons[moment.event.kind];
  }
}

const reportIcons = {
  bounce: IconMailX,
  complaint: IconThumbDown,
  delay: IconHourglass,
  auto_reply: IconMailOpened,
  delivered: IconMailCheck,
  unsubscribe: IconUserMinus,
  other: IconMailOpened,
};

const eventIcons = {
  open: IconMailOpened,
  click: IconClick,
  unsubscribe: IconUserMinus,
  bounce: IconAlertTriangle,
  complaint: IconThumbDown,
};

function Body({ moment, delivery }: { moment: Moment; delivery: DeliveryStory }) {
  const { t } = useTranslation();
  switch (moment.what) {
    case 'queued':
      return <Text size="sm">{t(delivery.message === null ? 'story.queuedText' : 'messages.queued')}</Text>;
    case 'attempt':
      return <AttemptFacts attempt={moment.attempt} />;
    case 'accepted':
      return <LastReply delivery={delivery} />;
    case 'skipped':
      return <Text size="sm">{delivery.skip_reason}</Text>;
    case 'ended':
      return delivery.reply_text ? <LastReply delivery={delivery} /> : <Text size="sm">{t('story.endedText')}</Text>;
    case 'report':
      return <ReportFacts report={moment.report} />;
    case 'event':
      return <EventFacts event={moment.event} />;
    default:
      return null;
  }
}

function LastReply({ delivery }: { delivery: DeliveryStory }) {
  return <Reply code={delivery.reply_code} status={delivery.reply_status} text={delivery.reply_text} full />;
}

function AttemptFacts({ attempt }: { attempt: Attempt }) {
  const words = useWords();
  return (
    <Stack gap={4}>
      <Group gap="xs">
        <Text size="sm">{[words.reason(attempt.reason), words.fault(attempt.fault)].filter(Boolean).join(' · ')}</Text>
      </Group>
      <Reply code={attempt.reply_code} status={attempt.reply_status} text={attempt.reply_text} full />
    </Stack>
  );
}
