import { Button } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign, Stats } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { notifyError } from '@/ui/notify';
import { campaignQuery, cancelCampaign, pauseCampaign, resumeCampaign } from './queries';

type Props = { campaign: Campaign; stats: Stats | undefined };

export function LiveActions({ campaign, stats }: Props) {
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
  if (campaign.status !== 'running' && campaign.status !== 'paused') return null;
  const waiting = stats ? stats.queued + stats.deferred : 0;
  return (
    <>
      {campaign.status === 'running' ? (
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={16} />}
          loading={pause.isPending}
          onClick={() => pause.mutate()}
        >
          {t('campaigns.live.pause')}
        </Button>
      ) : (
        <Button leftSection={<IconPlayerPlay size={16} />} loading={resume.isPending} onClick={() => resume.mutate()}>
          {t('campaigns.live.resume')}
        </Button>
      )}
      <Button
        variant="default"
        leftSection={<IconX size={16} />}
        loading={cancel.isPending}
        onClick={() =>
          confirmAction({
            title: t('campaigns.live.cancelTitle', { name: campaign.name }),
            body: t('campaigns.live.cancelText', { count: waiting }),
            confirm: t('campaigns.live.cancelConfirm', { count: waiting }),
            onConfirm: () => cancel.mutate(),
          })
        }
      >
        {t('campaigns.live.cancel')}
      </Button>
    </>
  );
}
