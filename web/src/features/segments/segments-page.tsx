import { ActionIcon, Group, Menu, Paper, Text } from '@mantine/core';
import { IconDots, IconPlus, IconTrash, IconUsersGroup } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Segment } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { deleteSegment, segmentsQuery } from './queries';

const route = getRouteApi('/shell/segments');

export function SegmentsPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const cursor = useCursor('');
  const query = useQuery(segmentsQuery(cursor.current));
  const columns = useColumns();
  const create = (
    <LinkButton to="/segments/new" leftSection={<IconPlus size={16} />}>
      {t('segments.new')}
    </LinkButton>
  );
  return (
    <>
      <PageHeader title={t('nav.segments')} description={t('segments.text')} actions={create} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconUsersGroup}
                title={t('segments.empty')}
                text={t('segments.emptyText')}
                action={create}
              />
            ) : (
              <>
                <DataTable
                  label={t('nav.segments')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.id}
                  onRowClick={(row) => void navigate({ to: '/segments/$id', params: { id: String(row.id) } })}
                />
                <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
              </>
            )
          }
        </QueryView>
      </Paper>
    </>
  );
}

/** Deletes a segment after asking. One in use is refused with the name of what uses it. */
export function useDeleteSegment(onDeleted?: () => void) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: (segment: Segment) => deleteSegment(segment.id),
    onSuccess: async (_, segment) => {
      notifySuccess(t('segments.deleted', { name: segment.name }));
      onDeleted?.();
      queryClient.removeQueries({ queryKey: ['segments', segment.id] });
      await queryClient.invalidateQueries({ queryKey: ['segments', 'page'] });
    },
    onError: notifyError,
  });
  return (segment: Segment) =>
    confirmAction({
      title: t('segments.deleteTitle', { name: segment.name }),
      body: t('segments.deleteText'),
      confirm: t('segments.delete'),
      onConfirm: () => remove.mutate(segment),
    });
}

function useColumns(): Column<Segment>[] {
  const { t } = useTranslation();
  const remove = useDeleteSegment();
  return [
    {
      key: 'name',
      header: t('common.name'),
      render: (row) => (
        <div>
          <LinkAnchor to="/segments/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          <Text size="sm" c="dimmed" lineClamp={2}>
            {row.sentence}
          </Text>
        </div>
      ),
    },
    {
      key: 'count',
      header: t('segments.people'),
      align: 'end',
      nowrap: true,
      render: (row) =>
        row.last_count ? (
          <div>
            <strong>
              {t(row.last_count.exact ? 'segments.exactly' : 'segments.about', {
                number: formatNumber(row.last_count.count),
              })}
            </strong>
            <Text size="xs" c="dimmed">
              <RelativeTime at={row.last_count.at} />
            </Text>
          </div>
        ) : (
          t('segments.notCounted')
        ),
    },
    {
      key: 'updated',
      header: t('segments.changed'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.updated_at} />,
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
