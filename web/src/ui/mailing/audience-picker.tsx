import { MultiSelect, Stack, Switch, Text } from '@mantine/core';
import type { useForm } from '@mantine/form';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Audience, CampaignInput } from '@/api/types';
import { draftAudienceQuery } from '@/features/campaigns/queries';
import { listsQuery } from '@/features/lists/queries';
import { segmentsQuery } from '@/features/segments/queries';
import { settingsQuery } from '@/features/settings/queries';
import { formatNumber } from '@/lib/format';
import { failedOf, LoadFailures } from '@/ui/load-failures';
import { StackedBar } from '@/ui/stacked-bar';

type IdField = 'list_ids' | 'segment_ids' | 'exclude_segment_ids' | 'exclude_list_ids';
/** What the choice of people needs of a form: that of a campaign and that of a newsletter have it. */
export type AudienceForm = {
  values: Pick<CampaignInput, IdField | 'ignore_frequency_cap'>;
  getInputProps(path: string, options?: { type: 'checkbox' }): ReturnType<ReturnType<typeof useForm>['getInputProps']>;
  setFieldValue(path: string, value: unknown): void;
};
/** Without a campaign nobody is counted as mailed already. */
type Props = { form: AudienceForm; campaignId?: number };

/** How long somebody must pause before the server is asked. */
const PAUSE_MS = 300;

/** The lists, which of their people, and how many that are at this moment. */
export function AudiencePicker({ form, campaignId }: Props) {
  const { t } = useTranslation();
  const lists = useQuery(listsQuery());
  const segments = useQuery(segmentsQuery());
  const settings = useQuery(settingsQuery);
  const listItems = (lists.data?.items ?? []).map((list) => ({
    value: String(list.id),
    label: `${list.name} (${formatNumber(list.counts.subscribed)})`,
  }));
  const segmentItems = (segments.data?.items ?? []).map((segment) => ({
    value: String(segment.id),
    label: segment.name,
  }));
  const picker = (field: IdField, items: typeof listItems, label: string, placeholder: string, hint?: string) => (
    <MultiSelect
      label={label}
      description={hint}
      placeholder={form.values[field].length === 0 ? placeholder : undefined}
      searchable
      hidePickedOptions
      nothingFoundMessage={t('segments.nothing')}
      data={items}
      {...form.getInputProps(field)}
      value={form.values[field].map(String)}
      onChange={(ids) => form.setFieldValue(field, ids.map(Number))}
    />
  );
  const without = (items: typeof listItems, chosen: number[]) =>
    items.filter((item) => !chosen.includes(Number(item.value)));
  const { list_ids, segment_ids, exclude_segment_ids, exclude_list_ids } = form.values;
  const listed = failedOf([lists]).length === 0;
  // A choice that is there must be seen, also when the last segment or list is gone.
  const narrows =
    failedOf([segments]).length === 0 &&
    (segmentItems.length > 0 || segment_ids.length + exclude_segment_ids.length > 0);
  return (
    <Stack>
      <LoadFailures queries={[lists, segments, settings]} />
      {listed &&
        picker(
          'list_ids',
          without(listItems, exclude_list_ids),
          t('nav.lists'),
          t('campaigns.chooseLists'),
          t('campaigns.listsHint'),
        )}
      {narrows && (
        <>
          {picker(
            'segment_ids',
            without(segmentItems, exclude_segment_ids),
            t('campaigns.audience.segments'),
            t('campaigns.audience.everybody'),
            t('campaigns.audience.segmentsHint'),
          )}
          {picker(
            'exclude_segment_ids',
            without(segmentItems, segment_ids),
            t('campaigns.audience.excludeSegments'),
            t('campaigns.audience.nobody'),
          )}
        </>
      )}
      {listed &&
        (listItems.length > 1 || exclude_list_ids.length > 0) &&
        picker(
          'exclude_list_ids',
          without(listItems, list_ids),
          t('campaigns.audience.excludeLists'),
          t('campaigns.audience.nobody'),
          t('campaigns.audience.excludeListsHint'),
        )}
      {((settings.data?.frequency_cap_mails ?? 0) > 0 || form.values.ignore_frequency_cap) && (
        <Switch
          label={t('campaigns.audience.ignoreCap')}
          description={t('campaigns.audience.ignoreCapHint')}
          {...form.getInputProps('ignore_frequency_cap', { type: 'checkbox' })}
        />
      )}
      {list_ids.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('campaigns.audience.needsList')}
        </Text>
      ) : (
        <LiveAudience form={form} campaignId={campaignId} />
      )}
    </Stack>
  );
}

const colors: Record<string, string> = {
  not_in_segment: 'var(--mantine-color-gray-5)',
  excluded_segment: 'var(--app-warn)',
  excluded_list: 'var(--app-warn)',
  frequency_cap: 'var(--mantine-color-grape-5)',
  frequency: 'var(--mantine-color-grape-3)',
  paused: 'var(--mantine-color-grape-3)',
};

function LiveAudience({ form, campaignId }: Props) {
  const { list_ids, segment_ids, exclude_segment_ids, exclude_list_ids, ignore_frequency_cap } = form.values;
  const input = JSON.stringify({
    campaign_id: campaignId,
    list_ids,
    segment_ids,
    exclude_segment_ids,
    exclude_list_ids,
    ignore_frequency_cap,
  });
  const [asked] = useDebouncedValue(input, PAUSE_MS);
  const audience = useQuery({ ...draftAudienceQuery(asked), enabled: asked === input });
  if (audience.error) {
    return (
      <Text size="sm" c="var(--app-bad)">
        {errorMessage(audience.error)}
      </Text>
    );
  }
  if (!audience.data) return null;
  const stale = asked !== input || audience.isPlaceholderData;
  return (
    <div aria-live="polite" aria-busy={stale} style={{ opacity: stale ? 0.55 : 1 }}>
      <AudienceBar audience={audience.data} />
    </div>
  );
}

function AudienceBar({ audience }: { audience: Audience }) {
  const { t } = useTranslation();
  const total = audience.excluded.reduce((sum, part) => sum + part.count, audience.mailable);
  return (
    <div>
      <Text size="sm" c="dimmed" mb={6}>
        {t('campaigns.audience.live')}
        {!audience.exact && `. ${t('campaigns.audience.estimated')}`}
      </Text>
      <StackedBar
        label={t('campaigns.audience.live')}
        legend
        total={Math.max(total, 1)}
        done={audience.mailable}
        parts={[
          {
            key: 'mail',
            label: t('campaigns.audience.included'),
            value: audience.mailable,
            color: 'var(--app-good)',
          },
          ...audience.excluded.map((part) => ({
            key: part.reason,
            label: t(`campaigns.audience.${part.reason}`),
            value: part.count,
            color: colors[part.reason] ?? 'var(--app-bad)',
          })),
        ]}
      />
    </div>
  );
}
