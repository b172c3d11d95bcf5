import { Button, Group, Paper, Select } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAddressBook, IconPlus, IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BulkSelection } from '@/api/types';
import { listsQuery } from '@/features/lists/queries';
import { segmentsQuery } from '@/features/segments/queries';
import { formatNumber } from '@/lib/format';
import { useFirstWhenEmpty, usePosition } from '@/lib/use-position';
import { BothWaysPager } from '@/ui/both-ways-pager';
import { BulkBar } from '@/ui/bulk/bulk-bar';
import { EmptyState } from '@/ui/empty-state';
import { FieldFilter } from '@/ui/field-filter';
import { LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SearchInput } from '@/ui/search-input';
import { SubscriberTable } from '@/ui/subscriber-table';
import { AddSubscriberDialog } from './add-subscriber-dialog';
import { type SubscriberFilter, subscribersQuery } from './queries';

const route = getRouteApi('/shell/subscribers');
const statuses = ['subscribed', 'unconfirmed', 'unsubscribed', 'suppressed'] as const;
const NOBODY: ReadonlySet<number> = new Set();
type Search = { q?: string; list?: number; segment?: number; status?: string; field?: string; value?: string };

export function SubscribersPage() {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [opened, dialog] = useDisclosure();
  const byField = search.field && search.value ? { field: search.field, value: search.value } : {};
  const filter = { q: search.q, list_id: search.list, status: search.status, segment_id: search.segment, ...byField };
  const position = usePosition(JSON.stringify(filter));
  const query = useQuery(subscribersQuery(filter, position.at));
  useFirstWhenEmpty(position, query);
  const filtered = Boolean(search.q || search.list || search.status || search.segment || byField.value);
  const total = query.data?.total;
  // Whoever is selected stays so from page to page, but not when others are looked for.
  const [selection, setSelection] = useState<{ key: string; ids: ReadonlySet<number> }>({ key: '', ids: new Set() });
  const key = JSON.stringify(filter);
  const selected = selection.key === key ? selection.ids : NOBODY;
  const setSelected = (ids: ReadonlySet<number>) => setSelection({ key, ids });
  const change = (next: Search) =>
    void navigate({
      search: (now: Search) =>
        Object.fromEntries(Object.entries({ ...now, ...next }).filter(([, value]) => value)) as Search,
      replace: true,
    });
  return (
    <>
      <PageHeader
        title={t('nav.subscribers')}
        description={
          total === undefined
            ? t('subscribers.text')
            : t(query.data?.total_exact === false ? 'subscribers.countAbout' : 'subscribers.count', { count: total })
        }
        actions={
          <>
            <LinkButton to="/imports/new" variant="default" leftSection={<IconUpload size={16} />}>
              {t('imports.new')}
            </LinkButton>
            <Button leftSection={<IconPlus size={16} />} onClick={dialog.open}>
              {t('subscribers.add')}
            </Button>
          </>
        }
      />
      <Paper style={{ overflow: 'hidden' }}>
        <Group p="md" gap="sm">
          <SearchInput
            label={t('subscribers.search')}
            value={search.q ?? ''}
            onChange={(q) => change({ q })}
            busy={query.isPlaceholderData}
          />
          <ListFilter value={search.list} onChange={(list) => change({ list } as Search)} />
          <SegmentFilter value={search.segment} onChange={(segment) => change({ segment } as Search)} />
          <Select
            aria-label={t('subscribers.filterStatus')}
            placeholder={t('subscribers.anyStatus')}
            clearable
            w={180}
            value={search.status ?? null}
            onChange={(status) => change({ status: status ?? '' })}
            data={statuses.map((status) => ({ value: status, label: t(`subscriptions.${status}`) }))}
          />
          <FieldFilter
            field={search.field}
            value={search.value}
            onChange={(next) => change({ field: next.field ?? '', value: next.value ?? '' })}
          />
        </Group>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconAddressBook}
                title={filtered ? t('subscribers.noMatch') : t('subscribers.empty')}
                text={filtered ? t('subscribers.noMatchText') : t('subscribers.emptyText')}
                action={!filtered && <LinkButton to="/imports/new">{t('imports.new')}</LinkButton>}
              />
            ) : (
              <>
                <BulkBar
                  key={key}
                  shown={page.items}
                  selected={selected}
                  onSelect={setSelected}
                  filter={filled(filter)}
                  total={total}
                  approximate={page.total_exact === false}
                />
                <SubscriberTable subscribers={page.items} selected={selected} onSelect={setSelected} />
                <BothWaysPager position={position} page={page} />
              </>
            )
          }
        </QueryView>
      </Paper>
      <AddSubscriberDialog opened={opened} onClose={dialog.close} listId={search.list} />
    </>
  );
}

/** The filter with what is set in it alone, as bulk actions take it. */
function filled(filter: SubscriberFilter) {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value)) as NonNullable<
    BulkSelection['filter']
  >;
}

function SegmentFilter({
  value,
  onChange,
}: {
  value: number | undefined;
  onChange: (segment: number | undefined) => void;
}) {
  const { t } = useTranslation();
  const segments = useQuery(segmentsQuery());
  return (
    <Select
      aria-label={t('subscribers.filterSegment')}
      placeholder={t('subscribers.anySegment')}
      clearable
      searchable
      w={220}
      value={value === undefined ? null : String(value)}
      onChange={(segment) => onChange(segment ? Number(segment) : undefined)}
      data={(segments.data?.items ?? []).map((segment) => ({ value: String(segment.id), label: segment.name }))}
    />
  );
}

function ListFilter({ value, onChange }: { value: number | undefined; onChange: (list: number | undefined) => void }) {
  const { t } = useTranslation();
  const lists = useQuery(listsQuery());
  return (
    <Select
      aria-label={t('subscribers.filterList')}
      placeholder={t('subscribers.anyList')}
      clearable
      searchable
      w={220}
      value={value === undefined ? null : String(value)}
      onChange={(list) => onChange(list ? Number(list) : undefined)}
      data={(lists.data?.items ?? []).map((list) => ({
        value: String(list.id),
        label: `${list.name} (${formatNumber(list.counts.subscribed)})`,
      }))}
    />
  );
}
