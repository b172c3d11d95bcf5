import { Grid, Group, Stack, Text, Timeline } from '@mantine/core';
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
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Attempt, DeliveryStory } from '@/api/types';
import { subscriberQuery } from '@/features/subscribers/queries';
import { total } from '@/lib/tally';
import { useWords } from '@/lib/words';
import { CopyField } from '@/ui/copy-field';
import { DeliveryBadge } from '@/ui/delivery-badge';
import { EventFacts } from '@/ui/event-list';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { Reply } from '@/ui/reply';
import { ReportFacts } from '@/ui/reports/report-facts';
import { Section } from '@/ui/section';
import { SuppressionBanner } from '@/ui/suppression-banner';
import { deliveryQuery } from './queries';
import { type Moment, storyOf } from './story';
import { letter } from './variants';

const route = getRouteApi('/shell/campaigns/$id/deliveries/$seq');
const REFRESH_MS = 10_000;

/** The whole story of one delivery, from the queue to what the recipient did, in one timeline. */
export function DeliveryPage() {
  const { id, seq } = route.useParams();
  const query = useQuery({ ...deliveryQuery(Number(id), Number(seq)), refetchInterval: REFRESH_MS });
  return <QueryView query={query}>{(delivery) => <Story delivery={delivery} />}</QueryView>;
}

function Story({ delivery }: { delivery: DeliveryStory }) {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader
        title={delivery.email}
        badge={<DeliveryBadge state={delivery.state} />}
        back={
          <LinkAnchor
            to="/campaigns/$id"
            params={{ id: String(delivery.campaign_id) }}
            search={{ tab: 'deliveries' }}
            className="link"
          >
            {delivery.campaign_name}
          </LinkAnchor>
        }
      />
      <Stack>
        {delivery.subscriber_id !== null && <Suppressed subscriberId={delivery.subscriber_id} />}
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Section title={t('story.timeline')}>
              <Moments delivery={delivery} />
            </Section>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Facts delivery={delivery} />
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  );
}

// The person may be deleted by now; then there is nothing to lift.
function Suppressed({ subscriberId }: { subscriberId: number }) {
  const query = useQuery({ ...subscriberQuery(subscriberId), retry: false });
  return query.data ? <SuppressionBanner subscriber={query.data} /> : null;
}

function Facts({ delivery }: { delivery: DeliveryStory }) {
  const { t } = useTranslation();
  return (
    <Section title={t('story.facts')}>
      <Stack gap="sm">
        {delivery.subscriber_id !== null && (
          <Fact name={t('story.person')}>
            <LinkAnchor
              to="/subscribers/$id"
              params={{ id: String(delivery.subscriber_id) }}
              className="link-strong"
              style={{ overflowWrap: 'anywhere' }}
            >
              {delivery.email}
            </LinkAnchor>
          </Fact>
        )}
        {delivery.variant !== null && <Fact name={t('campaigns.ab.variantColumn')}>{letter(delivery.variant)}</Fact>}
        <Fact name={t('deliveries.relay')}>{delivery.relay_name ?? t('deliveries.noRelay')}</Fact>
        <Fact name={t('deliveries.attempts')}>{delivery.attempts}</Fact>
        {total(delivery.opens) > 0 && <Fact name={t('tracking.opens')}>{t('tracking.all', delivery.opens)}</Fact>}
        {total(delivery.clicks) > 0 && <Fact name={t('tracking.clicks')}>{t('tracking.all', delivery.clicks)}</Fact>}
        <Fact name={t('deliveries.messageId')}>
          <CopyField value={delivery.message_id} label={t('deliveries.messageId')} />
        </Fact>
      </Stack>
    </Section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <div>{children}</div>
    </div>
  );
}

function Moments({ delivery }: { delivery: DeliveryStory }) {
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
      return <Text size="sm">{t('story.queuedText')}</Text>;
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
