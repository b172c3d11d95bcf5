import { Alert, Button, Group, Text } from '@mantine/core';
import { IconArrowBackUp, IconCalendarClock, IconHandStop, IconRocket } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { sendingQuery } from '@/features/sending/queries';
import { formatDateTime, formatDuration } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { notifyError, notifySuccess } from '@/ui/notify';
import { DateTime } from '@/ui/relative-time';
import { campaignQuery, unscheduleCampaign } from './queries';
import { secondsUntil, wallText } from './when';

type Props = { campaign: Campaign; onChange: () => void };

/** What a campaign that has not begun waits for, with the way back. */
export function ScheduledBanner({ campaign, onChange }: Props) {
  if (campaign.undoable_until) return <UndoBanner campaign={campaign} until={campaign.undoable_until} />;
  return campaign.scheduled_at ? <TimeBanner campaign={campaign} onChange={onChange} /> : null;
}

function useCallBack(campaign: Campaign) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: () => unscheduleCampaign(campaign.id),
    onSuccess: (saved) => {
      queryClient.setQueryData(campaignQuery(campaign.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['campaigns', 'page'] });
    },
    onError: (error) => {
      notifyError(error);
      // It may have begun in the moment of the click: show what became of it.
      void queryClient.invalidateQueries({ queryKey: campaignQuery(campaign.id).queryKey });
    },
  });
}

const TICK_MS = 250;

/** The grace period after "Send": counts down, and takes it back. While all sending is stopped nothing begins, however long ago it would have. */
function UndoBanner({ campaign, until }: { campaign: Campaign; until: string }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const undo = useCallBack(campaign);
  const stopped = useQuery(sendingQuery).data?.stopped ?? false;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const left = secondsUntil(until, now);
  return (
    <Alert
      role="status"
      variant="default"
      style={{ borderColor: stopped ? 'var(--app-bad)' : 'var(--app-info)' }}
      icon={stopped ? <IconHandStop color="var(--app-bad)" /> : <IconRocket color="var(--app-info)" />}
    >
      <Group justify="space-between" gap="sm">
        <div>
          <Text fw={600}>{t(stopped ? 'campaigns.undo.stopped' : 'campaigns.undo.title')}</Text>
          {/* The countdown is for the eye; read aloud every second it would drown everything else. */}
          <Text size="sm" c="dimmed" className="tabular" aria-live="off">
            {stopped
              ? t(left > 0 ? 'campaigns.undo.wouldBegin' : 'campaigns.undo.wouldHaveBegun', {
                  at: formatDateTime(until, timeZone),
                })
              : left > 0
                ? t('campaigns.undo.left', { time: formatDuration(left) })
                : t('campaigns.undo.begins')}
          </Text>
          <Text size="sm" c="dimmed">
            {t('campaigns.undo.edits')}
          </Text>
        </div>
        <Button
          leftSection={<IconArrowBackUp size={16} />}
          loading={undo.isPending}
          disabled={left === 0 && !stopped}
          onClick={() => undo.mutate(undefined, { onSuccess: () => notifySuccess(t('campaigns.undo.done')) })}
        >
          {t('campaigns.undo.button')}
        </Button>
      </Group>
    </Alert>
  );
}

function TimeBanner({ campaign, onChange }: Props) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const unschedule = useCallBack(campaign);
  const at = campaign.scheduled_at ? formatDateTime(campaign.scheduled_at, timeZone) : '';
  return (
    <Alert variant="default" icon={<IconCalendarClock color="var(--app-info)" />}>
      <Group justify="space-between" gap="sm">
        <div style={{ flex: '1 1 260px' }}>
          <Text fw={550}>
            {campaign.local_at
              ? t('campaigns.schedule.atLocal', { at: wallText(campaign.local_at) })
              : t('campaigns.schedule.at', { at })}
          </Text>
          <Text size="sm" c="dimmed">
            {campaign.local_at ? (
              <>
                {t('campaigns.schedule.localBegins')} <DateTime at={campaign.scheduled_at} />.{' '}
                {t('campaigns.schedule.localFrozen')}
              </>
            ) : (
              t('campaigns.schedule.editable')
            )}
          </Text>
        </div>
        <Group gap="xs">
          <Button size="xs" variant="default" onClick={onChange}>
            {t('campaigns.schedule.change')}
          </Button>
          <Button size="xs" variant="default" loading={unschedule.isPending} onClick={() => unschedule.mutate()}>
            {t('campaigns.schedule.undo')}
          </Button>
        </Group>
      </Group>
    </Alert>
  );
}
