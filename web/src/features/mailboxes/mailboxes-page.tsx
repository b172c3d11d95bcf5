import { ActionIcon, Group, Menu, Paper, Text } from '@mantine/core';
import {
  IconDots,
  IconMailbox,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlus,
  IconRefresh,
  IconTrash,
} from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Mailbox } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { MailboxBadge } from './mailbox-badge';
import { checkMailbox, deleteMailbox, mailboxesQuery, POLL_MS, pauseMailbox, resumeMailbox } from './queries';

const route = getRouteApi('/shell/mailboxes');

export function MailboxesPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const query = useQuery({ ...mailboxesQuery, refetchInterval: POLL_MS });
  const columns = useColumns();
  const add = (
    <LinkButton to="/mailboxes/new" leftSection={<IconPlus size={16} />}>
      {t('mailboxes.new')}
    </LinkButton>
  );
  return (
    <>
      <PageHeader title={t('nav.mailboxes')} description={t('mailboxes.text')} actions={add} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconMailbox}
                title={t('mailboxes.empty')}
                text={t('mailboxes.emptyText')}
                action={add}
              />
            ) : (
              <DataTable
                label={t('nav.mailboxes')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                onRowClick={(row) => void navigate({ to: '/mailboxes/$id', params: { id: String(row.id) } })}
              />
            )
          }
        </QueryView>
      </Paper>
    </>
  );
}

function useColumns(): Column<Mailbox>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'name',
      header: t('mailboxes.mailbox'),
      width: '32%',
      render: (row) => (
        <div>
          <LinkAnchor to="/mailboxes/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {t(`mailboxes.protocolKind.${row.protocol}`)} · {row.username} · {row.host}
          </Text>
        </div>
      ),
    },
    {
      key: 'status',
      header: t('common.status'),
      width: '30%',
      render: (row) => (
        <div>
          <MailboxBadge mailbox={row} />
          {row.problem && (
            <Text size="sm" c="dimmed" lineClamp={3}>
              {row.problem.remedy || row.problem.text}
            </Text>
          )}
        </div>
      ),
    },
    { key: 'checked', header: t('mailboxes.checked'), render: (row) => <RelativeTime at={row.checked_at} /> },
    {
      key: 'taken',
      header: t('mailboxes.takenDay'),
      align: 'end',
      render: (row) => formatNumber(row.last_24_hours.taken),
    },
    { key: 'menu', header: '', width: 56, render: (row) => <RowMenu mailbox={row} /> },
  ];
}

function RowMenu({ mailbox }: { mailbox: Mailbox }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['mailboxes'] });
  const pause = useMutation({ mutationFn: () => pauseMailbox(mailbox.id), onSuccess: refresh, onError: notifyError });
  const resume = useMutation({ mutationFn: () => resumeMailbox(mailbox.id), onSuccess: refresh, onError: notifyError });
  const check = useMutation({
    mutationFn: () => checkMailbox(mailbox.id),
    onSuccess: () => {
      notifySuccess(t('mailboxes.checkAsked', { name: mailbox.name }));
      return refresh();
    },
    onError: notifyError,
  });
  const remove = useMutation({
    mutationFn: () => deleteMailbox(mailbox.id),
    onSuccess: () => {
      notifySuccess(t('mailboxes.deleted', { name: mailbox.name }));
      return refresh();
    },
    onError: notifyError,
  });
  return (
    <Group justify="flex-end">
      <Menu>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('common.actionsFor', { name: mailbox.name })}>
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {mailbox.status === 'active' ? (
            <>
              <Menu.Item leftSection={<IconRefresh size={15} />} onClick={() => check.mutate()}>
                {t('mailboxes.checkNow')}
              </Menu.Item>
              <Menu.Item leftSection={<IconPlayerPause size={15} />} onClick={() => pause.mutate()}>
                {t('mailboxes.pause')}
              </Menu.Item>
            </>
          ) : (
            <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => resume.mutate()}>
              {t('mailboxes.resume')}
            </Menu.Item>
          )}
          <Menu.Item
            color="var(--app-bad)"
            leftSection={<IconTrash size={15} />}
            onClick={() =>
              confirmAction({
                title: t('mailboxes.deleteTitle', { name: mailbox.name }),
                body: t('mailboxes.deleteText'),
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
