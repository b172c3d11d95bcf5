import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { WebhookSource, WebhookTopic } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { FormAlert } from '@/ui/form-alert';
import { notifyError } from '@/ui/notify';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';
import { acceptTopic, keepSource, removeTopic } from './queries';

/** The topics of Amazon SNS that want to send here. Nobody has to type their names: they come by themselves and wait. */
export function TopicsCard({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  return (
    <Section title={t('providerWebhooks.topics')} description={t('providerWebhooks.topicsText')}>
      {source.topics.length === 0 ? (
        <Text c="dimmed" role="status">
          {t('providerWebhooks.noTopics')}
        </Text>
      ) : (
        <Stack>
          {source.topics.map((topic) => (
            <Topic key={topic.arn} source={source} topic={topic} />
          ))}
        </Stack>
      )}
    </Section>
  );
}

type State = 'waits' | 'accepted' | 'confirmed';
const tones: Record<State, Tone> = { waits: 'warn', accepted: 'info', confirmed: 'good' };

function stateOf(topic: WebhookTopic): State {
  if (!topic.accepted_at) return 'waits';
  return topic.confirmed_at ? 'confirmed' : 'accepted';
}

function Topic({ source, topic }: { source: WebhookSource; topic: WebhookTopic }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const keep = (saved: WebhookSource) => keepSource(queryClient, saved);
  const accept = useMutation({
    mutationFn: () => acceptTopic(source.id, topic.arn),
    onSuccess: keep,
    onError: notifyError,
  });
  const remove = useMutation({
    mutationFn: () => removeTopic(source.id, topic.arn),
    onSuccess: keep,
    onError: notifyError,
  });
  const state = stateOf(topic);
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs">
        <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
          <Text className="mono">{topic.arn}</Text>
          <Group gap="xs">
            <StatusBadge tone={tones[state]}>{t(`providerWebhooks.topicState.${state}`)}</StatusBadge>
            <Text size="sm" c="dimmed">
              {t('providerWebhooks.asked')} <RelativeTime at={topic.asked_at} />
            </Text>
          </Group>
        </div>
        <Group gap="xs">
          {state === 'waits' && (
            <Button
              loading={accept.isPending}
              aria-label={t('providerWebhooks.acceptOf', { arn: topic.arn })}
              onClick={() => accept.mutate()}
            >
              {t('providerWebhooks.accept')}
            </Button>
          )}
          <Button
            variant="default"
            loading={remove.isPending}
            aria-label={t('providerWebhooks.removeOf', { arn: topic.arn })}
            onClick={() =>
              confirmAction({
                title: t('providerWebhooks.removeTitle'),
                body: t('providerWebhooks.removeText'),
                confirm: t('providerWebhooks.remove'),
                onConfirm: () => remove.mutate(),
              })
            }
          >
            {t('providerWebhooks.remove')}
          </Button>
        </Group>
      </Group>
      <FormAlert message={topic.problem} />
    </Stack>
  );
}
