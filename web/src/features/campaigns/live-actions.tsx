import { Button } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Campaign, Stats } from '@/api/types';
import { AgainButton } from './again-dialog';
import { useLiveActions } from './use-live-actions';

type Props = { campaign: Campaign; stats: Stats | undefined };

export function LiveActions({ campaign, stats }: Props) {
  const { t } = useTranslation();
  const { pause, resume, cancel, askToCancel } = useLiveActions(campaign, stats);
  if (campaign.status === 'finished' || campaign.status === 'cancelled') return <AgainButton campaign={campaign} />;
  if (campaign.status !== 'running' && campaign.status !== 'paused') return null;
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
      <Button variant="default" leftSection={<IconX size={16} />} loading={cancel.isPending} onClick={askToCancel}>
        {t('campaigns.live.cancel')}
      </Button>
    </>
  );
}
