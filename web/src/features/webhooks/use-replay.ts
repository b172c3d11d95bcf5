import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { notifyError, notifySuccess } from '@/ui/notify';
import { replayMessage } from './queries';

export function useReplay(webhookId: number) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (message: string) => replayMessage({ id: webhookId, message }),
    onSuccess: () => {
      notifySuccess(t('webhooks.replayed'));
      return queryClient.invalidateQueries({ queryKey: ['webhooks', webhookId] });
    },
    onError: notifyError,
  });
}
