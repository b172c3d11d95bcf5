import { Grid, SimpleGrid, Stack, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Campaign, CampaignInput } from '@/api/types';
import { AudiencePicker } from '@/ui/mailing/audience-picker';
import { SendingFields } from '@/ui/mailing/sending-fields';
import { Section } from '@/ui/section';
import { windowOf } from '@/ui/sending-plan/plan-form';
import { WindowFields } from '@/ui/sending-plan/window-fields';
import { LocalTimeSection } from './local-time-section';
import { ReadyCard } from './ready-card';

type Props = { form: UseFormReturnType<CampaignInput>; campaign: Campaign };

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
