import { NumberInput, Select, SimpleGrid, Stack, Switch } from '@mantine/core';
import type { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { PercentInput } from '@/ui/percent-input';
import { type RelayForm, RelayPicker } from './relay-picker';

type SendingForm = RelayForm & {
  getInputProps(path: string, options?: { type: 'checkbox' }): ReturnType<ReturnType<typeof useForm>['getInputProps']>;
};

const policies = ['hold', 'resend', 'assume_delivered'] as const;

/** Through which relays, what is counted, and when to give up. */
export function SendingFields({ form }: { form: SendingForm }) {
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
