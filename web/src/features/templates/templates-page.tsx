import { ActionIcon, Group, Menu, Paper, Text } from '@mantine/core';
import { IconDots, IconPlus, IconSend, IconTemplate, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Template } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { LinkMenuItem } from '@/ui/link-menu';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { deleteTemplate, templatesQuery } from './queries';

const route = getRouteApi('/shell/templates');

export function TemplatesPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const cursor = useCursor('');
  const query = useQuery(templatesQuery(cursor.current));
  const columns: Column<Template>[] = [
    {
      key: 'name',
      header: t('templates.template'),
      width: '60%',
      render: (row) => (
        <div>
          <LinkAnchor to="/templates/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          <Text size="sm" c="dimmed" lineClamp={1}>
            {row.subject || t('editor.noSubject')}
          </Text>
        </div>
      ),
    },
    {
      key: 'updated',
      header: t('common.updated'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.updated_at} />,
    },
    { key: 'menu', header: '', width: 56, render: (row) => <RowMenu template={row} /> },
  ];
  const create = (
    <LinkButton to="/templates/new" leftSection={<IconPlus size={16} />}>
      {t('templates.new')}
    </LinkButton>
  );
  return (
    <>
      <PageHeader title={t('nav.templates')} description={t('templates.text')} actions={create} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconTemplate}
                title={t('templates.empty')}
                text={t('templates.emptyText')}
                action={create}
              />
            ) : (
              <>
                <DataTable
                  label={t('nav.templates')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.id}
                  onRowClick={(row) => void navigate({ to: '/templates/$id', params: { id: String(row.id) } })}
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

function RowMenu({ template }: { template: Template }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteTemplate(template.id),
    onSuccess: () => {
      notifySuccess(t('templates.deleted', { name: template.name }));
      return queryClient.invalidateQueries({ queryKey: ['templates', 'page'] });
    },
    onError: notifyError,
  });
  return (
    <Group justify="flex-end">
      <Menu>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('common.actionsFor', { name: template.name })}>
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <LinkMenuItem to="/campaigns/new" search={{ template: template.id }} leftSection={<IconSend size={15} />}>
            {t('templates.use')}
          </LinkMenuItem>
          <Menu.Item
            color="var(--app-bad)"
            leftSection={<IconTrash size={15} />}
            onClick={() =>
              confirmAction({
                title: t('templates.deleteTitle', { name: template.name }),
                body: t('templates.deleteText'),
                confirm: t('common.delete'),
                onConfirm: () => remove.mutate(),
              })
            }
          >
            {t('common.delete')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
