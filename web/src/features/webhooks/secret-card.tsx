import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Webhook } from '@/api/types';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { confirmAction } from '@/ui/confirm';
import { CopyField } from '@/ui/copy-field';
import { notifyError, notifySuccess } from '@/ui/notify';
import { Section } from '@/ui/section';
import { rotateSecret, showSecret } from './queries';

export function SecretCard({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const queryClient = useQueryClient();
  const show = useMutation({ mutationFn: () => showSecret(webhook.id), onError: notifyError });
  const rotate = useMutation({
    mutationFn: () => rotateSecret(webhook.id),
    onSuccess: () => {
      show.reset();
      notifySuccess(t('webhooks.rotated'));
      return queryClient.invalidateQueries({ queryKey: ['webhooks', webhook.id] });
    },
    onError: notifyError,
  });
  const secret = show.data?.secret ?? rotate.data?.secret;
  const until = webhook.old_secret_until;
  return (
    <Section title={t('webhooks.secret')} description={t('webhooks.secretText')}>
      <Stack>
        {secret && <CopyField value={secret} label={t('webhooks.secret')} />}
        {until && Date.parse(until) > Date.now() && (
          <Text size="sm">{t('webhooks.oldUntil', { until: formatDateTime(until, timeZone) })}</Text>
        )}
        <Group>
          {!secret && (
            <Button variant="default" loading={show.isPending} onClick={() => show.mutate()}>
              {t('webhooks.show')}
            </Button>
          )}
          <Button
            variant="default"
            loading={rotate.isPending}
            onClick={() =>
              confirmAction({
                title: t('webhooks.rotateTitle'),
                body: t('webhooks.rotateText'),
                confirm: t('webhooks.rotate'),
                danger: false,
                onConfirm: () => rotate.mutate(),
              })
            }
          >
            {t('webhooks.rotate')}
          </Button>
        </Group>
      </Stack>
    </Section>
  );
}
