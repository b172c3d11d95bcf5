import {
  Anchor,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Newsletter } from '@/api/types';
import { AudiencePicker } from '@/ui/mailing/audience-picker';
import { SendingFields } from '@/ui/mailing/sending-fields';
import { Section } from '@/ui/section';
import { windowOf } from '@/ui/sending-plan/plan-form';
import { WindowFields } from '@/ui/sending-plan/window-fields';
import type { NewsletterFormOf } from './form';
import { SourceCheckButton } from './source-check';

type Props = { form: NewsletterFormOf; newsletter: Newsletter; dirty: boolean };

export function SettingsTab({ form, newsletter, dirty }: Props) {
  const { t } = useTranslation();
  return (
    <Stack maw={900}>
      <Section title={t('newsletters.about')}>
        <Stack>
          <TextInput label={t('common.name')} required {...form.getInputProps('name')} />
          <Textarea
            label={t('newsletters.description')}
            description={t('newsletters.descriptionHint')}
            autosize
            minRows={2}
            {...form.getInputProps('description')}
          />
        </Stack>
      </Section>
      <Section title={t('newsletters.source.label')}>
        <SourceFields form={form} newsletter={newsletter} dirty={dirty} />
      </Section>
      <Section title={t('newsletters.rules.title')} description={t('newsletters.rules.text')}>
        <RulesFields form={form} />
      </Section>
      <Section title={t('campaigns.recipients')} description={t('newsletters.recipientsText')}>
        <AudiencePicker form={form} />
      </Section>
      <Section title={t('newsletters.sender')}>
        <Stack>
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
          <SendingFields form={form} />
        </Stack>
      </Section>
      <WindowFields form={windowOf(form)} />
      <Section title={t('newsletters.archive')} description={t('newsletters.archiveText')}>
        <ArchiveFields form={form} newsletter={newsletter} />
      </Section>
    </Stack>
  );
}

function ArchiveFields({ form, newsletter }: Pick<Props, 'form' | 'newsletter'>) {
  const { t } = useTranslation();
  const { origin } = globalThis.location;
  return (
    <Stack>
      <Switch label={t('newsletters.public')} {...form.getInputProps('public', { type: 'checkbox' })} />
      {form.values.public && (
        <>
          {newsletter.public && newsletter.activated_at && (
            <Text size="sm">
              <Anchor href={`/a/${newsletter.slug}`} target="_blank" underline="always">
                {t('newsletters.openArchive')}
              </Anchor>
            </Text>
          )}
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput
              label={t('newsletters.slug')}
              description={t('newsletters.slugHint', { url: `${origin}/a/` })}
              {...form.getInputProps('slug')}
            />
            <TextInput
              label={t('newsletters.language')}
              description={t('newsletters.languageHint')}
              {...form.getInputProps('language')}
            />
          </SimpleGrid>
          <TextInput
            type="url"
            label={t('newsletters.signUpUrl')}
            description={t('newsletters.signUpUrlHint')}
            {...form.getInputProps('sign_up_url')}
          />
          <Switch
            label={t('newsletters.indexed')}
            description={t('newsletters.indexedHint')}
            {...form.getInputProps('indexed', { type: 'checkbox' })}
          />
        </>
      )}
    </Stack>
  );
}

const kinds = ['feed', 'draft', 'json'] as const;

function SourceFields({ form, newsletter, dirty }: Props) {
  const { t } = useTranslation();
  const { kind } = form.values.source;
  return (
    <Stack>
      <Select
        label={t('newsletters.source.what')}
        description={t(`newsletters.source.${kind}Text`)}
        allowDeselect={false}
        data={kinds.map((one) => ({ value: one as string, label: t(`newsletters.source.${one}`) }))}
        {...form.getInputProps('source.kind')}
      />
      {kind !== 'draft' && (
        <>
          <TextInput type="url" label={t(`newsletters.source.${kind}Url`)} {...form.getInputProps('source.url')} />
          <SourceCheckButton newsletter={newsletter} dirty={dirty} />
        </>
      )}
    </Stack>
  );
}

function RulesFields({ form }: { form: NewsletterFormOf }) {
  const { t } = useTranslation();
  const { source, rules } = form.values;
  const number = (name: keyof typeof rules, max: number, unit: 'items' | 'minutes' | 'hours') => (
    <NumberInput
      label={t(`newsletters.rules.${name as 'min_items'}`)}
      description={t(`newsletters.rules.${name as 'min_items'}Hint`)}
      min={0}
      max={max}
      allowDecimal={false}
      suffix={` ${t(`newsletters.rules.${unit}`)}`}
      {...form.getInputProps(`rules.${name}`)}
    />
  );
  const waits = source.kind === 'draft' || rules.approval;
  return (
    <Stack>
      {source.kind === 'feed' && (
        <SimpleGrid cols={{ base: 1, xs: 3 }}>
          {number('min_items', 100, 'items')}
          {number('max_items', 100, 'items')}
          {number('first_items', 100, 'items')}
        </SimpleGrid>
      )}
      {source.kind !== 'draft' && (
        <Switch
          label={t('newsletters.rules.approval')}
          description={t('newsletters.rules.approvalHint')}
          {...form.getInputProps('rules.approval', { type: 'checkbox' })}
        />
      )}
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        {number('lead_minutes', 20_160, 'minutes')}
        {waits && number('deadline_minutes', 20_160, 'minutes')}
        {number('late_hours', 168, 'hours')}
      </SimpleGrid>
      {waits && (
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TagsInput
            label={t('newsletters.rules.remind_to')}
            description={t('newsletters.rules.remind_toHint')}
            maxTags={5}
            {...form.getInputProps('rules.remind_to')}
          />
          <TagsInput
            label={t('newsletters.rules.reminder_hours')}
            description={t('newsletters.rules.reminder_hoursHint')}
            maxTags={5}
            {...form.getInputProps('rules.reminder_hours')}
            value={rules.reminder_hours.map(String)}
            onChange={(hours) => form.setFieldValue('rules.reminder_hours', hoursOf(hours))}
          />
        </SimpleGrid>
      )}
      <Text size="sm" c="dimmed">
        {rules.late_hours === 0
          ? t('newsletters.rules.lateNever')
          : t('newsletters.rules.lateWords', { count: rules.late_hours })}
      </Text>
    </Stack>
  );
}

/** Whole hours, the earliest reminder first, each once. */
function hoursOf(texts: string[]): number[] {
  const hours = texts.map(Number).filter((hour) => Number.isInteger(hour) && hour >= 0);
  return [...new Set(hours)].sort((a, b) => b - a);
}
