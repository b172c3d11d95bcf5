import { Button, Group, NumberInput, Select, SimpleGrid, Stack, Switch, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Settings } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { rerender } from '@/ui/mail-editor/queries';
import { notifySuccess } from '@/ui/notify';
import { PercentInput } from '@/ui/percent-input';
import { SaveGuard } from '@/ui/save-guard';
import { Section } from '@/ui/section';
import { saveSettings, settingsQuery } from './queries';

export function GeneralTab({ settings }: { settings: Settings }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<Settings>({ initialValues: settings });
  const zones = useMemo(
    () => [...new Set(['UTC', settings.time_zone, ...Intl.supportedValuesOf('timeZone')])].filter(Boolean),
    [settings.time_zone],
  );
  const save = useMutation({
    mutationFn: saveSettings,
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      form.resetDirty();
      queryClient.setQueryData(settingsQuery.queryKey, saved);
      void rerender(queryClient);
      notifySuccess(t('common.saved'));
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  const dirty = form.isDirty();
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <SaveGuard dirty={dirty} />
      <Stack maw={720}>
        <FormAlert message={problem} />
        <Section title={t('settings.organization')}>
          <Stack>
            <TextInput label={t('settings.organizationName')} required {...form.getInputProps('organization')} />
            <Textarea
              label={t('settings.address')}
              description={t('settings.addressHint')}
              autosize
              minRows={2}
              {...form.getInputProps('postal_address')}
            />
            <TextInput
              label={t('settings.publicUrl')}
              description={t('settings.publicUrlHint')}
              type="url"
              placeholder="https://news.example.com"
              {...form.getInputProps('public_url')}
            />
            <Select
              label={t('settings.timeZone')}
              description={t('settings.timeZoneHint')}
              searchable
              allowDeselect={false}
              limit={60}
              data={zones}
              {...form.getInputProps('time_zone')}
            />
          </Stack>
        </Section>
        <Section title={t('settings.tracking')} description={t('settings.trackingText')}>
          <Stack>
            <TextInput
              label={t('settings.trackingUrl')}
              description={t('settings.trackingUrlHint')}
              type="url"
              placeholder="https://links.example.com"
              {...form.getInputProps('tracking_url')}
            />
            <Switch
              label={t('settings.honourDoNotTrack')}
              description={t('settings.honourDoNotTrackHint')}
              {...form.getInputProps('honour_do_not_track', { type: 'checkbox' })}
            />
          </Stack>
        </Section>
        <Section title={t('settings.sender')} description={t('settings.senderText')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput label={t('campaigns.fromName')} {...form.getInputProps('default_from_name')} />
            <TextInput type="email" label={t('campaigns.fromEmail')} {...form.getInputProps('default_from_email')} />
          </SimpleGrid>
        </Section>
        <Section title={t('settings.undo')} description={t('settings.undoText')}>
          <NumberInput
            label={t('settings.undoSeconds')}
            description={t('settings.undoSecondsHint')}
            min={0}
            max={3600}
            allowDecimal={false}
            suffix={` ${t('settings.seconds')}`}
            maw={340}
            {...form.getInputProps('undo_send_seconds')}
          />
        </Section>
        <Section title={t('settings.preflight')} description={t('settings.preflightText')}>
          <TextInput
            label={t('settings.preflightSpam')}
            description={t('settings.preflightSpamHint')}
            placeholder="http://127.0.0.1:11333"
            {...form.getInputProps('preflight_spam')}
          />
        </Section>
        <Section title={t('settings.cap')} description={t('settings.capText')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <NumberInput
              label={t('settings.capMails')}
              description={t('settings.capMailsHint')}
              min={0}
              max={1000}
              allowDecimal={false}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              {...form.getInputProps('frequency_cap_mails')}
            />
            <NumberInput
              label={t('settings.capDays')}
              min={1}
              max={365}
              allowDecimal={false}
              {...form.getInputProps('frequency_cap_days')}
            />
          </SimpleGrid>
        </Section>
        <Section title={t('settings.bounces')} description={t('settings.bouncesText')}>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <NumberInput
              label={t('settings.softCount')}
              description={t('settings.softCountHint')}
              min={1}
              max={365}
              allowDecimal={false}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              {...form.getInputProps('soft_bounce_count')}
            />
            <NumberInput
              label={t('settings.softDays')}
              min={1}
              max={365}
              allowDecimal={false}
              {...form.getInputProps('soft_bounce_days')}
            />
            <PercentInput
              label={t('settings.maxBounces')}
              description={t('settings.maxBouncesHint')}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              {...form.getInputProps('max_bounce_percent')}
            />
            <PercentInput
              label={t('settings.maxComplaints')}
              description={t('settings.maxComplaintsHint')}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              {...form.getInputProps('max_complaint_percent')}
            />
          </SimpleGrid>
        </Section>
        <Group justify="flex-end">
          <Button type="submit" disabled={!dirty} loading={save.isPending}>
            {t('common.save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
