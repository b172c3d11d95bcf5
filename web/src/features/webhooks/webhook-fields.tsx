import { Checkbox, MultiSelect, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { WebhookInput } from '@/api/types';
import { campaignsQuery } from '@/features/campaigns/queries';
import { listsQuery } from '@/features/lists/queries';
import { Section } from '@/ui/section';
import { webhookTypesQuery } from './queries';

type Props = { form: UseFormReturnType<WebhookInput>; isNew: boolean };

export function WebhookFields({ form, isNew }: Props) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Section title={t('webhooks.deliver')}>
        <Stack>
          <TextInput
            label={t('webhooks.url')}
            description={t('webhooks.urlHint')}
            placeholder="https://example.org/hooks/mail"
            required
            data-autofocus={isNew || undefined}
            {...form.getInputProps('url')}
          />
          <TextInput
            label={t('webhooks.description')}
            description={t('webhooks.descriptionHint')}
            {...form.getInputProps('description')}
          />
          <Switch
            label={t('webhooks.enabled')}
            description={t('webhooks.enabledHint')}
            {...form.getInputProps('enabled', { type: 'checkbox' })}
          />
        </Stack>
      </Section>
      <Section title={t('webhooks.events')} description={t('webhooks.eventsHint')}>
        <TypeChoice form={form} />
      </Section>
      <Section title={t('webhooks.filters')} description={t('webhooks.filtersText')}>
        <Choices form={form} />
      </Section>
    </Stack>
  );
}

function TypeChoice({ form }: { form: Props['form'] }) {
  const { t } = useTranslation();
  const { data } = useQuery(webhookTypesQuery);
  return (
    <Checkbox.Group aria-label={t('webhooks.events')} {...form.getInputProps('event_types')}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm">
        {(data?.items ?? []).map((type) => (
          <Checkbox
            key={type.type}
            value={type.type}
            label={<span className="mono">{type.type}</span>}
            description={type.summary}
          />
        ))}
      </SimpleGrid>
    </Checkbox.Group>
  );
}

/** Pickers of lists and campaigns. What is chosen stays choosable when it is not on the first page, or gone. */
function Choices({ form }: { form: Props['form'] }) {
  const { t } = useTranslation();
  const lists = useQuery(listsQuery());
  const campaigns = useQuery(campaignsQuery({}));
  const values = form.getValues();
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }}>
      <MultiSelect
        label={t('webhooks.lists')}
        description={t('webhooks.listsHint')}
        searchable
        data={options(lists.data?.items, values.list_ids, (id) => t('webhooks.list', { id }))}
        error={form.errors.list_ids}
        value={values.list_ids.map(String)}
        onChange={(ids) => form.setFieldValue('list_ids', ids.map(Number))}
      />
      <MultiSelect
        label={t('webhooks.campaigns')}
        description={t('webhooks.campaignsHint')}
        searchable
        data={options(campaigns.data?.items, values.campaign_ids, (id) => t('webhooks.campaign', { id }))}
        error={form.errors.campaign_ids}
        value={values.campaign_ids.map(String)}
        onChange={(ids) => form.setFieldValue('campaign_ids', ids.map(Number))}
      />
    </SimpleGrid>
  );
}

function options(items: { id: number; name: string }[] = [], chosen: number[], unknown: (id: number) => string) {
  const missing = chosen.filter((id) => !items.some((item) => item.id === id));
  return [
    ...items.map((item) => ({ value: String(item.id), label: item.name })),
    ...missing.map((id) => ({ value: String(id), label: unknown(id) })),
  ];
}
