import { Button, Group, Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { DateTimePicker } from '@mantine/dates';
import '@mantine/dates/styles.css';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage, Problem } from '@/api/problem';
import type { Campaign } from '@/api/types';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { fromZoned, toZoned } from '@/lib/zoned-time';
import { FormAlert } from '@/ui/form-alert';
import { LoadFailures } from '@/ui/load-failures';
import { RelayIssues } from '@/ui/mailing/relay-issues';
import { useRelays } from '@/ui/mailing/use-relays';
import { notifySuccess } from '@/ui/notify';
import { StartCheck } from '@/ui/preflight/start-check';
import { useCheck } from '@/ui/preflight/use-check';
import { ForecastNote } from './forecast-note';
import { inputOf } from './input';
import { LocalTimeFields } from './local-time-fields';
import { audienceQuery, campaignQuery, scheduleCampaign, unscheduleCampaign, updateCampaign } from './queries';
import { localAtOf, wallText, windowWords } from './when';

type Props = {
  campaign: Campaign;
  opened: boolean;
  onClose: () => void;
  /** What is chosen here about local times stands in the campaign, and so in the form behind the dialog. */
  onSaved: (campaign: Campaign) => void;
  onObjection: (error: unknown) => void;
};
type LocalTime = Campaign['local_time'];

const HOUR_MS = 3_600_000;

/** Chooses the moment of sending: one for all, told in the organisation's time zone, or the same time of day where each person is. */
export function ScheduleDialog({ opened, onClose, ...props }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size="lg"
      title={t('campaigns.schedule.title', { name: props.campaign.name })}
    >
      {/* Mounted when it opens, so that it begins with what the campaign says by then. */}
      <Choice {...props} onClose={onClose} />
    </Modal>
  );
}

/** Local times are a setting of the campaign, and what a time means cannot change under a campaign that has one. */
async function saveSchedule(campaign: Campaign, local: LocalTime, at: { at: string } | { local_at: string }) {
  const was = campaign.local_time;
  const changed = local.enabled !== Boolean(was.enabled);
  const details = local.enabled && (local.zone_field !== was.zone_field || local.late !== was.late);
  if (changed && campaign.status === 'scheduled') await unscheduleCampaign(campaign.id);
  if (changed || details) await updateCampaign({ id: campaign.id, ...inputOf(campaign), local_time: local });
  return scheduleCampaign({ id: campaign.id, ...at });
}

function Choice({ campaign, onClose, onSaved, onObjection }: Omit<Props, 'opened'>) {
  const { t } = useTranslation();
  const zone = useTimeZone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const queryClient = useQueryClient();
  const audience = useQuery(audienceQuery(campaign.id));
  const { relays, query: relaysQuery } = useRelays(campaign.relay_ids);
  const check = useCheck(campaign.id, { auto: true });
  const [local, setLocal] = useState<LocalTime>({
    ...campaign.local_time,
    enabled: Boolean(campaign.local_time.enabled),
  });
  const [wall, setWall] = useState<string | null>(() => wallOf(campaign, zone));
  const schedule = useMutation({
    mutationFn: (chosen: string) =>
      saveSchedule(
        campaign,
        local,
        local.enabled ? { local_at: localAtOf(chosen) } : { at: fromZoned(chosen, zone).toISOString() },
      ),
    onSuccess: (saved) => {
      onSaved(saved);
      void queryClient.invalidateQueries({ queryKey: ['campaigns', 'page'] });
      notifySuccess(
        saved.local_at
          ? t('campaigns.schedule.atLocal', { at: wallText(saved.local_at) })
          : t('campaigns.schedule.at', { at: formatDateTime(saved.scheduled_at ?? '', zone) }),
      );
      onClose();
    },
    onError: (error) => {
      onObjection(error);
      void queryClient.invalidateQueries({ queryKey: campaignQuery(campaign.id).queryKey });
    },
  });
  const fieldErrors = schedule.error instanceof Problem ? schedule.error.fieldErrors : {};
  return (
    <Stack>
      {schedule.error && <FormAlert message={errorMessage(schedule.error)} />}
      <SegmentedControl
        fullWidth
        aria-label={t('campaigns.schedule.mode')}
        value={local.enabled ? 'local' : 'once'}
        onChange={(mode) => setLocal({ ...local, enabled: mode === 'local' })}
        data={[
          { value: 'once', label: t('campaigns.schedule.once') },
          { value: 'local', label: t('campaigns.schedule.local') },
        ]}
      />
      <DateTimePicker
        label={t('campaigns.schedule.when')}
        description={local.enabled ? t('campaigns.local.hint') : t('campaigns.schedule.zone', { zone })}
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
      {local.enabled && (
        <LocalTimeFields value={local} onChange={setLocal} fieldError={fieldErrors['local_time.zone_field']} />
      )}
      {campaign.window && (
        <Text size="sm">{t('campaigns.schedule.window', windowWords({ zone: '', ...campaign.window }))}</Text>
      )}
      {audience.data && (
        <Text size="sm" c="dimmed">
          {t('campaigns.schedule.count', { count: audience.data.mailable })}
        </Text>
      )}
      {wall && !local.enabled && (
        <ForecastNote
          campaignId={campaign.id}
          kind="schedule"
          messages={audience.data?.mailable ?? 0}
          startAt={fromZoned(wall, zone).toISOString()}
          enabled={campaign.relay_ids.length > 0}
        />
      )}
      <LoadFailures queries={[relaysQuery]} />
      <RelayIssues relays={relays} from={campaign.from_email} />
      <StartCheck campaignId={campaign.id} check={check} onLeave={onClose} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button
          disabled={!wall || !check.passed}
          loading={schedule.isPending}
          onClick={() => wall && schedule.mutate(wall)}
        >
          {t('campaigns.schedule.confirm')}
        </Button>
      </Group>
    </Stack>
  );
}

/** The time for which it is scheduled by now, as the picker holds it. */
function wallOf(campaign: Campaign, zone: string): string | null {
  if (campaign.local_at) return campaign.local_at.replace('T', ' ');
  return campaign.scheduled_at ? toZoned(new Date(campaign.scheduled_at), zone) : null;
}
