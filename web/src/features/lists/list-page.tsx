import { Button, Group, Paper, Select, Stack, Tabs } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAddressBook, IconPencil, IconTrash, IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { List } from '@/api/types';

import { subscribersQuery } from '@/features/subscribers/queries';
import { formatNumber } from '@/lib/format';
import { useFirstWhenEmpty, usePosition } from '@/lib/use-position';
import { BothWaysPager } from '@/ui/both-ways-pager';
import { EmptyState } from '@/ui/empty-state';
import { FieldFilter } from '@/ui/field-filter';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SearchInput } from '@/ui/search-input';
import { StatGrid } from '@/ui/stat-tile';
import { SubscriberTable } from '@/ui/subscriber-table';
import { ListDialog } from './list-dialog';
import { ListStats } from './list-stats';
import { OptInCard } from './opt-in-card';
import { OptInRequests } from './opt-in-requests';
import { PublicCard } from './public-card';
import { listQuery } from './queries';
import { useDeleteList } from './use-delete-list';

const route = getRouteApi('/shell/lists/$id');
const statuses = ['subscribed', 'unconfirmed', 'unsubscribed', 'suppressed'] as const;

export function ListPage() {
  const id = Number(route.useParams().id);
  const query = useQuery(listQuery(id));
  return <QueryView query={query}>{(list) => <ListView list={list} />}</QueryView>;
}

function ListView({ list }: { list: List }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const [opened, dialog] = useDisclosure();
  const remove = useDeleteList(() => void navigate({ to: '/lists' }));
  return (
    <>
      <PageHeader
        title={list.name}
        description={list.description}
        back={
          <LinkAnchor to="/lists" className="link">
            {t('nav.lists')}
          </LinkAnchor>
        }
        actions={
          <>
            <Button variant="default" leftSection={<IconTrash size={16} />} onClick={() => remove(list)}>
              {t('common.delete')}
            </Button>
            <Button variant="default" leftSection={<IconPencil size={16} />} onClick={dialog.open}>
              {t('common.edit')}
            </Button>
            <LinkButton to="/imports/new" search={{ list: list.id }} leftSection={<IconUpload size={16} />}>
              {t('imports.new')}
            </LinkButton>
          </>
        }
      />
      <Stack>
        <StatGrid
          stats={[
            { label: t('subscriptions.subscribed'), value: formatNumber(list.counts.subscribed) },
            { label: t('subscriptions.unconfirmed'), value: formatNumber(list.counts.unconfirmed) },
            { label: t('subscriptions.unsubscribed'), value: formatNumber(list.counts.unsubscribed) },
            {
              label: t('subscriptions.suppressed'),
              value: formatNumber(list.counts.suppressed),
              hint: t('lists.suppressedHint'),
            },
          ]}
        />
        <OptInCard list={list} />
        <PublicCard list={list} />
        <Tabs defaultValue="people" keepMounted={false}>
          <Tabs.List mb="md">
            <Tabs.Tab value="people">{t('lists.people')}</Tabs.Tab>
            <Tabs.Tab value="optIn">{t('optIn.pending')}</Tabs.Tab>
            <Tabs.Tab value="stats">{t('lists.statistics')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="people">
            <Members list={list} />
          </Tabs.Panel>
          <Tabs.Panel value="optIn">
            <OptInRequests listId={list.id} />
          </Tabs.Panel>
          <Tabs.Panel value="stats">
            <Stack>
              <ListStats listId={list.id} />
            </Stack>
          </Tabs.Panel>
        </Tabs>
      </Stack>
      <ListDialog list={list} opened={opened} onClose={dialog.close} />
    </>
  );
}

function Members({ list }: { list: List }) {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const byField = search.field && search.value ? { field: search.field, value: search.value } : {};
  const filter = { list_id: list.id, q: search.q, status: search.status, ...byField };
  const position = usePosition(JSON.stringify(filter));
  const query = useQuery(subscribersQuery(filter, position.at));
  useFirstWhenEmpty(position, query);
  const filtered = Boolean(search.q || search.status || byField.value);
  return (
    <Paper style={{ overflow: 'hidden' }}>
      <Group p="md" gap="sm">
        <SearchInput
          label={t('subscribers.search')}
          value={search.q ?? ''}
          onChange={(q) => void navigate({ search: ({ q: _, ...rest }) => (q ? { ...rest, q } : rest), replace: true })}
          busy={query.isPlaceholderData}
        />
        <Select
          aria-label={t('subscribers.filterStatus')}
          placeholder={t('subscribers.anyStatus')}
          clearable
          w={180}
          value={search.status ?? null}
          onChange={(status) =>
            void navigate({
              search: ({ status: _, ...rest }) => (status ? { ...rest, status } : rest),
              replace: true,
            })
          }
          data={statuses.map((status) => ({ value: status, label: t(`subscriptions.${status}`) }))}
        />
        <FieldFilter
          field={search.field}
          value={search.value}
          onChange={({ field, value }) =>
            void navigate({
              search: ({ field: _f, value: _v, ...rest }) => ({
                ...rest,
                ...(field ? { field } : {}),
                ...(value ? { value } : {}),
              }),
              replace: true,
            })
          }
        />
      </Group>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState
              icon={IconAddressBook}
              title={filtered ? t('subscribers.noMatch') : t('lists.noMembers')}
              text={filtered ? t('subscribers.noMatchText') : t('lists.noMembersText')}
              action={
                !filtered && (
                  <LinkButton to="/imports/new" search={{ list: list.id }}>
                    {t('imports.new')}
                  </LinkButton>
                )
              }
            />
          ) : (
            <>
              <SubscriberTable subscribers={page.items} listId={list.id} />
              <BothWaysPager position={position} page={page} />
            </>
          )
        }
      </QueryView>
    </Paper>
  );
}
