import { ActionIcon, Badge, Button, Group, Menu, Paper, Tabs, Text } from '@mantine/core';
import {
  IconChevronDown,
  IconDots,
  IconFileImport,
  IconLayout,
  IconPlus,
  IconPuzzle,
  IconSend,
  IconTemplate,
  IconTrash,
} from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Template, TemplateRole } from '@/api/types';
import { formatList } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { LinkMenuItem } from '@/ui/link-menu';
import { rerender } from '@/ui/mail-editor/queries';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { deleteTemplate, templatesQuery } from './queries';
import { roleOf, roles, usedBy } from './roles';

const route = getRouteApi('/shell/templates');
const icons = { content: IconTemplate, layout: IconLayout, snippet: IconPuzzle };

export function TemplatesPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const role = roleOf(route.useSearch().role);
  return (
    <>
      <PageHeader
        title={t('nav.templates')}
        description={t('templates.text')}
        actions={
          <>
            <LinkButton to="/templates/import-mailchimp" variant="default" leftSection={<IconFileImport size={16} />}>
              {t('templates.mailchimp.open')}
            </LinkButton>
            <NewMenu />
          </>
        }
      />
      <Tabs
        value={role}
        onChange={(value) =>
          void navigate({ search: value && value !== 'content' ? { role: value } : {}, replace: true })
        }
      >
        <Tabs.List mb="md">
          {roles.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t(`templates.roles.${one}.many`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={role}>
          <RoleTable key={role} role={role} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function NewMenu() {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button leftSection={<IconPlus size={16} />} rightSection={<IconChevronDown size={15} />}>
          {t('templates.newOne')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {roles.map((role) => {
          const RoleIcon = icons[role];
          return (
            <LinkMenuItem
              key={role}
              to="/templates/new"
              search={role === 'content' ? {} : { role }}
              leftSection={<RoleIcon size={16} />}
            >
              {t(`templates.roles.${role}.one`)}
            </LinkMenuItem>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}

function RoleTable({ role }: { role: TemplateRole }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const cursor = useCursor(role);
  const query = useQuery(templatesQuery({ role, cursor: cursor.current }));
  const columns = useColumns(role);
  return (
    <Paper style={{ overflow: 'hidden' }}>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState
              icon={icons[role]}
              title={t(`templates.roles.${role}.empty`)}
              text={t(`templates.roles.${role}.emptyText`)}
              action={
                <LinkButton
                  to="/templates/new"
                  search={role === 'content' ? {} : { role }}
                  leftSection={<IconPlus size={16} />}
                >
                  {t(`templates.roles.${role}.new`)}
                </LinkButton>
              }
            />
          ) : (
            <>
              <DataTable
                label={t(`templates.roles.${role}.many`)}
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
  );
}

function useColumns(role: TemplateRole): Column<Template>[] {
  const { t } = useTranslation();
  // What uses a layout or snippet is told only where all templates are known.
  const everything = useQuery({ ...templatesQuery(), enabled: role !== 'content' });
  const all = everything.data && !everything.data.next_cursor ? everything.data.items : null;
  return [
    {
      key: 'name',
      header: t(`templates.roles.${role}.one`),
      width: role === 'content' ? '60%' : '40%',
      render: (row) => (
        <div>
          <LinkAnchor to="/templates/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          {role === 'content' && (
            <Text size="sm" c="dimmed" lineClamp={1}>
              {row.subject || t('editor.noSubject')}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'kind',
      header: t('editor.kind'),
      nowrap: true,
      render: (row) => <Badge variant="default">{t(`editor.kinds.${row.kind}`)}</Badge>,
    },
    ...(role !== 'content' && all
      ? [
          {
            key: 'used',
            header: t('templates.usedBy'),
            render: (row: Template) => {
              const names = usedBy(row, all).map((one) => one.name);
              return names.length > 0 ? (
                formatList(names)
              ) : (
                <Text size="sm" c="dimmed">
                  {t('templates.unused')}
                </Text>
              );
            },
          },
        ]
      : []),
    {
      key: 'updated',
      header: t('common.updated'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.updated_at} />,
    },
    { key: 'menu', header: '', width: 56, render: (row) => <RowMenu template={row} /> },
  ];
}

function RowMenu({ template }: { template: Template }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteTemplate(template.id),
    onSuccess: () => {
      notifySuccess(t('templates.deleted', { name: template.name }));
      void rerender(queryClient);
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
          {template.role === 'content' && (
            <LinkMenuItem to="/campaigns/new" search={{ template: template.id }} leftSection={<IconSend size={15} />}>
              {t('templates.use')}
            </LinkMenuItem>
          )}
          <Menu.Item
            color="var(--app-bad)"
            leftSection={<IconTrash size={15} />}
            onClick={() =>
              confirmAction({
                title: t('templates.deleteTitle', { name: template.name }),
                body: t(`templates.roles.${template.role}.delete`),
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
