import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import '@mantine/dates/styles.css';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Campaign } from '@/api/types';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { fromZoned, toZoned } from '@/lib/zoned-time';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { ForecastNote } from './forecast-note';
import { audienceQuery, campaignQuery, scheduleCampaign } from './queries';
import { RelayIssues } from './relay-issues';
import { useRelays } from './use-relays';

type Props = {
  campaign: Pick<Campaign, 'id' | 'name' | 'relay_ids' | 'from_email'>;
  opened: boolean;
  onClose: () => void;
  onObjection: (error: unknown) => void;
};

const HOUR_MS = 3_600_000;

/** Chooses the moment of sending, told in the organisation's time zone. */
export function ScheduleDialog({ campaign, opened, onClose, onObjection }: Props) {
  const { t } = useTranslation();
  const zone = useTimeZone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const queryClient = useQueryClient();
  const audience = useQuery({ ...audienceQuery(campaign.id), enabled: opened });
  const { relays } = useRelays(campaign.relay_ids);
  const [wall, setWall] = useState<string | null>(null);
  const schedule = useMutation({
    mutationFn: (at: string) => scheduleCampaign({ id: campaign.id, at }),
    onSuccess: (saved) => {
      queryClient.setQueryData(campaignQuery(campaign.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['campaigns', 'page'] });
      if (saved.scheduled_at) {
        notifySuccess(t('campaigns.schedule.at', { at: formatDateTime(saved.scheduled_at, zone) }));
      }
      onClose();
    },
    onError: (error) => onObjection(error),
  });
  const close = () => {
    schedule.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={t('campaigns.schedule.title', { name: campaign.name })}>
      <Stack>
        {schedule.error && <FormAlert message={errorMessage(schedule.error)} />}
        <DateTimePicker
          label={t('campaigns.schedule.when')}
          description={t('campaigns.schedule.zone', { zone })}
          placeholder={t('campaigns.schedule.choose')}
          minDate={toZoned(new Date(), zone).slice(0, 10)}
          defaultTimeValue={toZoned(new Date(Date.now() + HOUR_MS), zone).slice(11, 16)}
          value={wall}
          onChange={setWall}
          ariaLabels={{
            nextMonth: t('calendar.nextMonth'),
            previousMonth: t('calendar.previousMonth'),
            nextYear: t('calendar.nextYear'),
            previousYear: t('calendar.previousYear'),
            nextDecade: t('calendar.nextDecade'),
            previousDecade: t('calendar.previousDecade'),
          }}
          submitButtonProps={{ 'aria-label': t('calendar.take') }}
          timePickerProps={{ hoursInputLabel: t('calendar.hours'), minutesInputLabel: t('calendar.minutes') }}
          weekendDays={[]}
          popoverProps={{ withinPortal: true }}
          required
        />
        {audience.data && (
          <Text size="sm" c="dimmed">
            {t('campaigns.schedule.count', { count: audience.data.mailable })}
          </Text>
        )}
        {wall && (
          <ForecastNote
            campaignId={campaign.id}
            kind="schedule"
            messages={audience.data?.mailable ?? 0}
            startAt={fromZoned(wall, zone).toISOString()}
            enabled={opened && campaign.relay_ids.length > 0}
          />
        )}
        {opened && <RelayIssues relays={relays} from={campaign.from_email} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('common.cancel')}
          </Button>
          <Button
            disabled={!wall}
            loading={schedule.isPending}
            onClick={() => wall && schedule.mutate(fromZoned(wall, zone).toISOString())}
          >
            {t('campaigns.schedule.confirm')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
