import { Button, Code, Divider, Drawer, Group, Stack, Text, Timeline, Title } from '@mantine/core';
import { IconRepeat } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Webhook, WebhookMessageDetail } from '@/api/types';
import { CopyButton, CopyField } from '@/ui/copy-field';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { AttemptFacts } from './attempt-facts';
import { messageQuery } from './queries';
import { useReplay } from './use-replay';
import { MessageBadge } from './webhook-state';

type Props = { webhook: Webhook; message: string | undefined; onClose: () => void };

/** What was sent, and what the address said to each attempt. */
export function MessageDrawer({ webhook, message, onClose }: Props) {
  const { t } = useTranslation();
  const query = useQuery({
    ...messageQuery(webhook.id, message ?? ''),
    enabled: message !== undefined,
    refetchInterval: 5_000,
  });
  return (
    <Drawer
      opened={message !== undefined}
      onClose={onClose}
      position="right"
      size="lg"
      title={t('webhooks.message')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <QueryView query={query}>{(detail) => <Story webhook={webhook} message={detail} />}</QueryView>
    </Drawer>
  );
}

function Story({ webhook, message }: { webhook: Webhook; message: WebhookMessageDetail }) {
  const { t } = useTranslation();
  const replay = useReplay(webhook.id);
  return (
    <Stack>
      <Group justify="space-between">
        <Text fz="lg" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {message.type}
        </Text>
        <MessageBadge status={message.status} />
      </Group>
      <div>
        <Text size="sm" c="dimmed">
          {t('webhooks.id')}
        </Text>
        <CopyField value={message.id} label={t('webhooks.id')} />
      </div>
      {message.next_attempt_at && (
        <Text size="sm">
          {t('webhooks.nextAttempt')}: <DateTime at={message.next_attempt_at} />
        </Text>
      )}
      {webhook.enabled && (
        <Group>
          <Button
            variant="default"
            leftSection={<IconRepeat size={16} />}
            loading={replay.isPending}
            onClick={() => replay.mutate(message.id)}
          >
            {t('webhooks.replay')}
          </Button>
        </Group>
      )}
      <Divider />
      <Title order={2}>{t('webhooks.attempts')}</Title>
      {message.attempt_list.length === 0 ? (
        <Text c="dimmed">{t('webhooks.noAttempt')}</Text>
      ) : (
        <Timeline bulletSize={26} lineWidth={2} color="gray">
          {message.attempt_list.map((attempt) => (
            <Timeline.Item key={attempt.attempt} bullet={<Text size="xs">{attempt.attempt}</Text>}>
              <AttemptFacts attempt={attempt} />
            </Timeline.Item>
          ))}
        </Timeline>
      )}
      <Divider />
      <Group justify="space-between">
        <Title order={2}>{t('webhooks.payload')}</Title>
        <CopyButton value={message.payload} label={t('webhooks.payload')} />
      </Group>
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {pretty(message.payload)}
      </Code>
    </Stack>
  );
}

function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload;
  }
}
