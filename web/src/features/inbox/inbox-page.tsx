import { Button, Drawer, Group, Paper, Text } from '@mantine/core';
import { IconInbox, IconInboxOff, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { InboxInfo, InboxItem } from '@/api/types';
import { formatBytes } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { notifyError } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { SearchInput } from '@/ui/search-input';
import { DkimBadge } from './dkim-badge';
import { InboxMessageView } from './inbox-message';
import { emptyInbox, inboxMessagesQuery, inboxQuery } from './queries';

const route = getRouteApi('/shell/inbox');

export function InboxPage() {
  const { t } = useTranslation();
  const query = useQuery(inboxQuery);
  return (
    <>
      <PageHeader
        title={t('nav.inbox')}
        description={t('inbox.text')}
        actions={query.data?.enabled && query.data.total > 0 && <EmptyButton total={query.data.total} />}
      />
      <QueryView query={query}>{(info) => (info.enabled ? <Messages info={info} /> : <SwitchedOff />)}</QueryView>
    </>
  );
}

function SwitchedOff() {
  const { t } = useTranslation();
  return (
    <Paper>
      <EmptyState icon={IconInboxOff} title={t('inbox.off')} text={t('inbox.offText')} />
    </Paper>
  );
}

function EmptyButton({ total }: { total: number }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const empty = useMutation({
    mutationFn: emptyInbox,
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['inbox'] }),
    onError: notifyError,
  });
  return (
    <Button
      variant="default"
      leftSection={<IconTrash size={16} />}
      loading={empty.isPending}
      onClick={() =>
        confirmAction({
          title: t('inbox.emptyTitle'),
          body: t('inbox.emptyConfirmText', { count: total }),
          confirm: t('inbox.emptyConfirm', { count: total }),
          onConfirm: () => empty.mutate(),
        })
      }
    >
      {t('inbox.empty')}
    </Button>
  );
}

function Messages({ info }: { info: InboxInfo }) {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const cursor = useCursor(search.q ?? '');
  const query = useQuery(inboxMessagesQuery(search.q, cursor.current));
  const columns = useColumns();
  return (
    <Paper style={{ overflow: 'hidden' }}>
      <Group p="md" justify="space-between">
        <SearchInput
          label={t('inbox.search')}
          value={search.q ?? ''}
          onChange={(q) => void navigate({ search: q ? { q } : {}, replace: true })}
        />
        <Text size="sm" c="dimmed">
          {t('inbox.listens', { address: info.address, count: info.total })}
        </Text>
      </Group>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState
              icon={IconInbox}
              title={search.q ? t('inbox.noMatch') : t('inbox.none')}
              text={search.q ? undefined : t('inbox.noneText')}
              action={!search.q && <LinkButton to="/campaigns/new">{t('campaigns.new')}</LinkButton>}
            />
          ) : (
            <>
              <DataTable
                label={t('inbox.messages')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                onRowClick={(row) => void navigate({ search: (now) => ({ ...now, message: row.id }) })}
              />
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
            </>
          )
        }
      </QueryView>
      <Drawer
        opened={search.message !== undefined}
        onClose={() => void navigate({ search: ({ message: _, ...rest }) => rest })}
        position="right"
        size="xl"
        title={t('inbox.message')}
      >
        {search.message !== undefined && <InboxMessageView id={search.message} />}
      </Drawer>
    </Paper>
  );
}

function useColumns(): Column<InboxItem>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'subject',
      header: t('editor.subject'),
      width: '42%',
      render: (row) => (
        <div>
          <LinkAnchor to="/inbox" search={(now) => ({ ...now, message: row.id })} className="link-strong">
            {row.subject || t('editor.noSubject')}
          </LinkAnchor>
          <Text size="sm" c="dimmed" lineClamp={1}>
            {row.from}
          </Text>
        </div>
      ),
    },
    { key: 'to', header: t('inbox.to'), render: (row) => row.to },
    { key: 'dkim', header: t('relays.dkim'), render: (row) => <DkimBadge dkim={row.dkim} /> },
    { key: 'size', header: t('inbox.size'), align: 'end', render: (row) => formatBytes(row.size) },
    { key: 'at', header: t('inbox.received'), nowrap: true, render: (row) => <RelativeTime at={row.received_at} /> },
  ];
}
