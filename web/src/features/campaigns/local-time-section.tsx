import { Stack, Switch, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Campaign, CampaignInput } from '@/api/types';
import { Section } from '@/ui/section';
import { LocalTimeFields } from './local-time-fields';

type Props = { form: UseFormReturnType<CampaignInput>; campaign: Campaign };

/** The setting that the schedule dialog offers too, here to be looked at, changed and switched off. */
export function LocalTimeSection({ form, campaign }: Props) {
  const { t } = useTranslation();
  const value = form.values.local_time;
  const enabled = Boolean(value.enabled);
  // What the time of a scheduled campaign means cannot change.
  const fixed = campaign.status === 'scheduled';
  const text = (error: unknown) => (typeof error === 'string' ? error : undefined);
  return (
    <Section title={t('campaigns.local.title')} description={t('campaigns.local.text')}>
      <Stack>
        <Switch
          label={t('campaigns.local.on')}
          checked={enabled}
          disabled={fixed}
          description={fixed ? t('campaigns.local.fixed') : undefined}
          error={form.errors.local_time ?? form.errors['local_time.enabled']}
          onChange={(event) => form.setFieldValue('local_time', { ...value, enabled: event.currentTarget.checked })}
        />
        {enabled && (
          <>
            <LocalTimeFields
              value={value}
              onChange={(next) => form.setFieldValue('local_time', next)}
              fieldError={text(form.errors['local_time.zone_field'])}
            />
            <Text size="sm" c="dimmed">
              {t('campaigns.local.schedule')}
            </Text>
          </>
        )}
      </Stack>
    </Section>
  );
}
