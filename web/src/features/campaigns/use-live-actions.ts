import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign, Stats } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { notifyError } from '@/ui/notify';
import { campaignQuery, cancelCampaign, pauseCampaign, resumeCampaign } from './queries';

/** What can be done with a campaign that has started. Cancelling is for good, so it is asked for. */
export function useLiveActions(campaign: Campaign, stats: Stats | undefined) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const settle = {
    onSuccess: (saved: Campaign) => {
      queryClient.setQueryData(campaignQuery(campaign.id).queryKey, saved);
      return queryClient.invalidateQueries({ queryKey: ['campaigns'] });
    },
    onError: notifyError,
  };
  const pause = useMutation({ mutationFn: () => pauseCampaign(campaign.id), ...settle });
  const resume = useMutation({ mutationFn: () => resumeCampaign(campaign.id), ...settle });
  const cancel = useMutation({ mutationFn: () => cancelCampaign(campaign.id), ...settle });
  const waiting = stats ? stats.queued + stats.deferred : 0;
  const askToCancel = () =>
    confirmAction({
      title: t('campaigns.live.cancelTitle', { name: campaign.name }),
      body: t('campaigns.live.cancelText', { count: waiting }),
      confirm: t('campaigns.live.cancelConfirm', { count: waiting }),
      onConfirm: () => cancel.mutate(),
    });
  return { pause, resume, cancel, askToCancel };
}
