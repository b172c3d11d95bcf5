import { Alert, Button, Text } from '@mantine/core';
import { IconBan } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Subscriber } from '@/api/types';
import { deleteSuppression } from '@/features/suppressions/queries';
import { confirmAction } from '@/ui/confirm';
import { notifyError, notifySuccess } from '@/ui/notify';
import { DateTime } from '@/ui/relative-time';

/** That a person is never mailed, with the evidence, and the way back. Nothing when they are. */
export function SuppressionBanner({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const lift = useMutation({
    mutationFn: () => deleteSuppression(subscriber.email),
    onSuccess: () => {
      notifySuccess(t('suppressions.removed', { email: subscriber.email }));
      void queryClient.invalidateQueries({ queryKey: ['suppressions'] });
      return queryClient.invalidateQueries({ queryKey: ['subscribers'] });
    },
    onError: notifyError,
  });
  const suppressed = subscriber.suppressed;
  if (!suppressed) return null;
  return (
    <Alert
      variant="default"
      icon={<IconBan color="var(--app-bad)" />}
      title={t('subscribers.suppressedTitle', { reason: t(`suppressions.reason.${suppressed.reason}`) })}
    >
      <Text>
        <DateTime at={suppressed.created_at} /> · {suppressed.source}
      </Text>
      {suppressed.detail && (
        <Text className="mono" mt={4} style={{ overflowWrap: 'anywhere' }}>
          {suppressed.detail}
        </Text>
      )}
      <Button
        mt="sm"
        size="xs"
        variant="default"
        loading={lift.isPending}
        onClick={() =>
          confirmAction({
            title: t('suppressions.removeTitle', { email: subscriber.email }),
            body: t('suppressions.removeText'),
            confirm: t('suppressions.remove'),
            onConfirm: () => lift.mutate(),
          })
        }
      >
        {t('suppressions.remove')}
      </Button>
    </Alert>
  );
}
