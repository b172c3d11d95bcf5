import { ActionIcon, Button, Group, Menu, Paper, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconListDetails, IconPencil, IconPlus, IconTrash, IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { List } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { LinkMenuItem } from '@/ui/link-menu';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { ListDialog } from './list-dialog';
import { listsQuery } from './queries';
import { useDeleteList } from './use-delete-list';

const route = getRouteApi('/shell/lists');

export function ListsPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const cursor = useCursor('');
  const query = useQuery(listsQuery(cursor.current));
  const [opened, dialog] = useDisclosure();
  const [edited, setEdited] = useState<List | undefined>();
  const edit = (list?: List) => {
    setEdited(list);
    dialog.open();
  };
  const columns = useColumns(edit);
  const create = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => edit()}>
      {t('lists.new')}
    </Button>
  );
  return (
    <>
      <PageHeader title={t('nav.lists')} description={t('lists.text')} actions={create} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState icon={IconListDetails} title={t('lists.empty')} text={t('lists.emptyText')} action={create} />
            ) : (
              <>
                <DataTable
                  label={t('nav.lists')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.id}
                  onRowClick={(row) => void navigate({ to: '/lists/$id', params: { id: String(row.id) } })}
                />
                <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
              </>
            )
          }
        </QueryView>
      </Paper>
      <ListDialog
        list={edited}
        opened={opened}
        onClose={dialog.close}
        onCreated={(list) => void navigate({ to: '/lists/$id', params: { id: String(list.id) } })}
      />
    </>
  );
}

function useColumns(edit: (list: List) => void): Column<List>[] {
  const { t } = useTranslation();
  const remove = useDeleteList();
  return [
    {
      key: 'name',
      header: t('lists.list'),
      width: '36%',
      render: (row) => (
        <div>
          <LinkAnchor to="/lists/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          {row.description && (
            <Text size="sm" c="dimmed" lineClamp={1}>
              {row.description}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'subscribed',
      header: t('subscriptions.subscribed'),
      align: 'end',
      render: (row) => <strong>{formatNumber(row.counts.subscribed)}</strong>,
    },
    {
      key: 'unconfirmed',
      header: t('subscriptions.unconfirmed'),
      align: 'end',
      render: (row) => formatNumber(row.counts.unconfirmed),
    },
    {
      key: 'unsubscribed',
      header: t('subscriptions.unsubscribed'),
      align: 'end',
      render: (row) => formatNumber(row.counts.unsubscribed),
    },
    {
      key: 'suppressed',
      header: t('subscriptions.suppressed'),
      align: 'end',
      render: (row) => formatNumber(row.counts.suppressed),
    },
    {
      key: 'created',
      header: t('common.created'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.created_at} />,
    },
    {
      key: 'menu',
      header: '',
      width: 56,
      render: (row) => (
        <Group justify="flex-end">
          <Menu>
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" aria-label={t('common.actionsFor', { name: row.name })}>
                <IconDots size={17} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <LinkMenuItem to="/imports/new" search={{ list: row.id }} leftSection={<IconUpload size={15} />}>
                {t('imports.new')}
              </LinkMenuItem>
              <Menu.Item leftSection={<IconPencil size={15} />} onClick={() => edit(row)}>
                {t('common.edit')}
              </Menu.Item>
              <Menu.Item color="var(--app-bad)" leftSection={<IconTrash size={15} />} onClick={() => remove(row)}>
                {t('common.delete')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Group>
      ),
    },
  ];
}
