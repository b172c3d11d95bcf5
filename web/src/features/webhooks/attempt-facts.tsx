import { Code, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { WebhookAttempt } from '@/api/types';
import { DateTime } from '@/ui/relative-time';

/** When, how long, and what the address said. */
export function AttemptFacts({ attempt }: { attempt: WebhookAttempt }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4} style={{ minWidth: 0, maxWidth: '100%' }}>
      <Text size="sm" c="dimmed">
        <DateTime at={attempt.at} /> ·{' '}
        {attempt.status_code === null
          ? t('webhooks.noAnswer')
          : t('webhooks.answered', { status: attempt.status_code })}{' '}
        · {t('webhooks.took', { ms: attempt.duration_ms })}
      </Text>
      {attempt.error && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {attempt.error}
        </Text>
      )}
      {attempt.reply && (
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', maxHeight: 200 }} tabIndex={0}>
          {attempt.reply}
        </Code>
      )}
    </Stack>
  );
}
