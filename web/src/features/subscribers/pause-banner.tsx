import { Alert, Button, Text } from '@mantine/core';
import { IconPlayerPause } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Subscriber } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { notifyError, notifySuccess } from '@/ui/notify';
import { DateTime } from '@/ui/relative-time';
import { liftPause, subscriberQuery } from './queries';

/** Says that somebody wants no mail for a while, since when and by which link. */
export function PauseBanner({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const lift = useMutation({
    mutationFn: () => liftPause(subscriber.id),
    onSuccess: (saved) => {
      queryClient.setQueryData(subscriberQuery(subscriber.id).queryKey, saved);
      notifySuccess(t('subscribers.pauseLifted', { email: subscriber.email }));
    },
    onError: notifyError,
  });
  const pause = subscriber.pause;
  if (!pause) return null;
  return (
    <Alert variant="default" icon={<IconPlayerPause color="var(--app-warn)" />} title={t('subscribers.pausedTitle')}>
      <Text>
        {t('subscribers.pausedUntil')} <DateTime at={pause.until} />
      </Text>
      <Text size="sm" c="dimmed">
        <DateTime at={pause.since} /> · {pause.source}
      </Text>
      <Button
        mt="sm"
        size="xs"
        variant="default"
        loading={lift.isPending}
        onClick={() =>
          confirmAction({
            title: t('subscribers.liftPauseTitle', { email: subscriber.email }),
            body: t('subscribers.liftPauseText'),
            confirm: t('subscribers.liftPauseConfirm'),
            onConfirm: () => lift.mutate(),
          })
        }
      >
        {t('subscribers.liftPause')}
      </Button>
    </Alert>
  );
}
