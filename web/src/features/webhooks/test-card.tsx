import { Button, Group, Select, Stack } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Webhook } from '@/api/types';
import { notifyError } from '@/ui/notify';
import { Section } from '@/ui/section';
import { AttemptFacts } from './attempt-facts';
import { testWebhook, webhookTypesQuery } from './queries';
import { MessageBadge } from './webhook-state';

export function TestCard({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const { data } = useQuery(webhookTypesQuery);
  const [type, setType] = useState('');
  const test = useMutation({
    mutationFn: testWebhook,
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['webhooks', webhook.id, 'messages'] }),
    onError: notifyError,
  });
  const attempt = test.data?.attempt_list[0];
  return (
    <Section title={t('webhooks.test')} description={t('webhooks.testText')}>
      <Stack>
        <Group align="flex-end">
          <Select
            label={t('webhooks.testType')}
            data={[
              { value: '', label: t('webhooks.testPlain') },
              ...(data?.items ?? []).map((one) => ({ value: one.type, label: one.type })),
            ]}
            value={type}
            allowDeselect={false}
            onChange={(value) => setType(value ?? '')}
          />
          <Button variant="default" loading={test.isPending} onClick={() => test.mutate({ id: webhook.id, type })}>
            {t('webhooks.send')}
          </Button>
        </Group>
        <div aria-live="polite">
          {test.data && attempt && !test.isPending && (
            <Stack gap={4} align="flex-start">
              <MessageBadge status={test.data.status} />
              <AttemptFacts attempt={attempt} />
            </Stack>
          )}
        </div>
      </Stack>
    </Section>
  );
}
