import { Grid, NumberInput, Select, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Campaign, CampaignInput } from '@/api/types';
import { PercentInput } from '@/ui/percent-input';
import { Section } from '@/ui/section';
import { WindowFields } from '@/ui/sending-plan/window-fields';
import { AudiencePicker } from './audience-picker';
import { LocalTimeSection } from './local-time-section';
import { ReadyCard } from './ready-card';
import { RelayPicker } from './relay-picker';

type Props = { form: UseFormReturnType<CampaignInput>; campaign: Campaign };

const policies = ['hold', 'resend', 'assume_delivered'] as const;

export function DetailsTab({ form, campaign }: Props) {
  const { t } = useTranslation();
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, md: 8 }}>
        <Stack>
          <Section title={t('campaigns.message')}>
            <Stack>
              <TextInput label={t('common.name')} required {...form.getInputProps('name')} />
              <TextInput label={t('editor.subject')} {...form.getInputProps('subject')} />
              <SimpleGrid cols={{ base: 1, xs: 2 }}>
                <TextInput label={t('campaigns.fromName')} {...form.getInputProps('from_name')} />
                <TextInput type="email" label={t('campaigns.fromEmail')} {...form.getInputProps('from_email')} />
              </SimpleGrid>
              <TextInput
                type="email"
                label={t('campaigns.replyTo')}
                description={t('campaigns.replyToHint')}
                {...form.getInputProps('reply_to')}
              />
            </Stack>
          </Section>
          <Section title={t('campaigns.recipients')}>
            <AudiencePicker form={form} campaignId={campaign.id} />
          </Section>
          <Section title={t('campaigns.sending')}>
            <SendingFields form={form} />
          </Section>
          <WindowFields form={windowOf(form)} />
          <LocalTimeSection form={form} campaign={campaign} />
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, md: 4 }}>
        <ReadyCard campaign={campaign} />
      </Grid.Col>
    </Grid>
  );
}

function SendingFields({ form }: { form: Props['form'] }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <RelayPicker form={form} />
      <Switch
        label={t('campaigns.trackOpens')}
        description={t('campaigns.trackOpensHint')}
        {...form.getInputProps('track_opens', { type: 'checkbox' })}
      />
      <Switch
        label={t('campaigns.trackClicks')}
        description={t('campaigns.trackClicksHint')}
        {...form.getInputProps('track_clicks', { type: 'checkbox' })}
      />
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <Select
          label={t('campaigns.policy')}
          description={t('campaigns.policyHint')}
          allowDeselect={false}
          data={policies.map((policy) => ({ value: policy, label: t(`campaigns.policies.${policy}`) }))}
          {...form.getInputProps('unconfirmed_policy')}
        />
        <NumberInput
          label={t('campaigns.expires')}
          description={t('campaigns.expiresHint')}
          min={1}
          max={720}
          allowDecimal={false}
          suffix={` ${t('campaigns.hours')}`}
          {...form.getInputProps('expires_after_hours')}
        />
        <PercentInput
          label={t('campaigns.maxBounces')}
          description={t('campaigns.maxBouncesHint')}
          {...form.getInputProps('max_bounce_percent')}
        />
        <PercentInput
          label={t('campaigns.maxComplaints')}
          description={t('campaigns.maxComplaintsHint')}
          {...form.getInputProps('max_complaint_percent')}
        />
      </SimpleGrid>
    </Stack>
  );
}

/** A campaign's window as its fields take it: a zone that is left out means UTC. */
function windowOf(form: Props['form']) {
  const { window } = form.values;
  return {
    values: { window: window && { zone: '', ...window } },
    getInputProps: (path: string) => form.getInputProps(path),
    setFieldValue: (path: string, value: unknown) => form.setFieldValue(path, value as never),
  };
}
