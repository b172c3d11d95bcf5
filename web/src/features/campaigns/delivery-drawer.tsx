import { Divider, Drawer, Group, Stack, Text, Timeline, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Attempt, DeliveryStory } from '@/api/types';
import { total } from '@/lib/tally';
import { CopyField } from '@/ui/copy-field';
import { DeliveryBadge } from '@/ui/delivery-badge';
import { EventList } from '@/ui/event-list';
import { LinkAnchor } from '@/ui/link';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { Reply } from '@/ui/reply';
import { deliveryQuery } from './queries';

type Props = { campaignId: number; seq: number | undefined; onClose: () => void };

/** The whole story of one delivery: every attempt with the server's words, and what the recipient did with the mail. */
export function DeliveryDrawer({ campaignId, seq, onClose }: Props) {
  const { t } = useTranslation();
  const query = useQuery({ ...deliveryQuery(campaignId, seq ?? 0), enabled: seq !== undefined });
  return (
    <Drawer opened={seq !== undefined} onClose={onClose} position="right" size="lg" title={t('deliveries.story')}>
      <QueryView query={query}>{(delivery) => <Story delivery={delivery} />}</QueryView>
    </Drawer>
  );
}

function Story({ delivery }: { delivery: DeliveryStory }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Group justify="space-between" wrap="nowrap">
        <Text fz="lg" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {delivery.subscriber_id === null ? (
            delivery.email
          ) : (
            <LinkAnchor to="/subscribers/$id" params={{ id: String(delivery.subscriber_id) }} className="link-strong">
              {delivery.email}
            </LinkAnchor>
          )}
        </Text>
        <DeliveryBadge state={delivery.state} />
      </Group>
      <Fact name={t('deliveries.relay')}>{delivery.relay_name ?? t('deliveries.noRelay')}</Fact>
      {delivery.sent_at && (
        <Fact name={t('deliveries.sentAt')}>
          <DateTime at={delivery.sent_at} />
        </Fact>
      )}
      {delivery.next_attempt_at && (
        <Fact name={t('deliveries.nextAttempt')}>
          <DateTime at={delivery.next_attempt_at} />
        </Fact>
      )}
      {delivery.skip_reason && <Fact name={t('deliveries.skipReason')}>{delivery.skip_reason}</Fact>}
      <Fact name={t('deliveries.messageId')}>
        <CopyField value={delivery.message_id} label={t('deliveries.messageId')} />
      </Fact>
      <Divider />
      <Title order={2}>{t('deliveries.attemptsTitle')}</Title>
      {delivery.attempts_log.length === 0 ? (
        <LastAnswer delivery={delivery} />
      ) : (
        <Timeline bulletSize={26} lineWidth={2} color="gray">
          {delivery.attempts_log.map((attempt) => (
            <Timeline.Item
              key={attempt.attempt}
              bullet={<Text size="xs">{attempt.attempt}</Text>}
              title={attempt.outcome}
            >
              <AttemptFacts attempt={attempt} />
            </Timeline.Item>
          ))}
        </Timeline>
      )}
      <Divider />
      <Title order={2}>{t('deliveries.eventsTitle')}</Title>
      {total(delivery.opens) > 0 && <Fact name={t('tracking.opens')}>{t('tracking.all', delivery.opens)}</Fact>}
      {total(delivery.clicks) > 0 && <Fact name={t('tracking.clicks')}>{t('tracking.all', delivery.clicks)}</Fact>}
      {delivery.events.length === 0 ? (
        <Text c="dimmed">{t('deliveries.noEvents')}</Text>
      ) : (
        <EventList events={delivery.events} />
      )}
    </Stack>
  );
}

// The log names the tries that went wrong; of a delivery that went well at once only the answer is kept.
function LastAnswer({ delivery }: { delivery: DeliveryStory }) {
  const { t } = useTranslation();
  if (delivery.attempts === 0) return <Text c="dimmed">{t('deliveries.noAttempts')}</Text>;
  return <Reply code={delivery.reply_code} status={delivery.reply_status} text={delivery.reply_text} full />;
}

function AttemptFacts({ attempt }: { attempt: Attempt }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4}>
      <Text size="sm" c="dimmed">
        <DateTime at={attempt.at} />
        {attempt.relay_name && ` · ${attempt.relay_name}`}
      </Text>
      <Reply code={attempt.reply_code} status={attempt.reply_status} text={attempt.reply_text} full />
      {attempt.reason && (
        <Text size="sm">
          {attempt.reason}
          {attempt.fault && ` · ${t('deliveries.fault', { whose: attempt.fault })}`}
        </Text>
      )}
    </Stack>
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
