import { ActionIcon, Button, Group, Menu, Select, Text, Tooltip } from '@mantine/core';
import { IconRefresh, IconRepeat, IconWebhook } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Webhook, WebhookMessage } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import { MessageDrawer } from './message-drawer';
import { messagesQuery, replayFailed, webhookTypesQuery } from './queries';
import { useReplay } from './use-replay';
import { MessageBadge } from './webhook-state';

const route = getRouteApi('/shell/webhooks/$id');
const POLL_MS = 5_000;
const states = ['pending', 'delivered', 'failed'] as const;

export function WebhookLog({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const { status, type, message } = route.useSearch();
  const navigate = route.useNavigate();
  const cursor = useCursor(`${status ?? ''} ${type ?? ''}`);
  const query = useQuery({
    ...messagesQuery(webhook.id, { status, type, cursor: cursor.current }),
    refetchInterval: POLL_MS,
  });
  const columns = useColumns(webhook);
  const open = (id: string) =>
    void navigate({ search: (now) => ({ ...now, message: id }), replace: true, resetScroll: false });
  const close = () => void navigate({ search: ({ message: _, ...rest }) => rest, replace: true, resetScroll: false });
  return (
    <Section
      title={t('webhooks.log')}
      description={t('webhooks.logText')}
      actions={webhook.enabled && <ReplayFailed webhook={webhook} />}
      flush
    >
      <Filters />
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState
              icon={IconWebhook}
              title={status || type ? t('webhooks.noMatch') : t('webhooks.noMessages')}
              text={status || type ? undefined : t('webhooks.noMessagesText')}
            />
          ) : (
            <>
              <DataTable
                label={t('webhooks.log')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                onRowClick={(row) => open(row.id)}
              />
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} />
            </>
          )
        }
      </QueryView>
      <MessageDrawer webhook={webhook} message={message} onClose={close} />
    </Section>
  );
}

function Filters() {
  const { t } = useTranslation();
  const { status, type } = route.useSearch();
  const navigate = route.useNavigate();
  const { data } = useQuery(webhookTypesQuery);
  const set = (name: 'status' | 'type') => (value: string | null) =>
    void navigate({
      search: ({ [name]: _, ...rest }) => (value ? { ...rest, [name]: value } : rest),
      replace: true,
      resetScroll: false,
    });
  return (
    <Group px="md" pb="md">
      <Select
        label={t('webhooks.filterStatus')}
        placeholder={t('common.all')}
        clearable
        clearButtonProps={{ 'aria-label': t('common.clear') }}
        data={states.map((one) => ({ value: one, label: t(`webhooks.state.${one}`) }))}
        value={status ?? null}
        onChange={set('status')}
      />
      <Select
        label={t('webhooks.filterType')}
        placeholder={t('common.all')}
        clearable
        clearButtonProps={{ 'aria-label': t('common.clear') }}
        data={['webhook.test', ...(data?.items ?? []).map((one) => one.type)]}
        value={type ?? null}
        onChange={set('type')}
      />
    </Group>
  );
}

function useColumns(webhook: Webhook): Column<WebhookMessage>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'message',
      header: t('webhooks.message'),
      width: '30%',
      render: (row) => (
        <Group gap={6}>
          <LinkAnchor
            to="/webhooks/$id"
            params={{ id: String(webhook.id) }}
            search={(now) => ({ ...now, message: row.id })}
            resetScroll={false}
            className="link-strong"
            aria-label={`${row.type} ${row.id}`}
          >
            {row.type}
          </LinkAnchor>
          {row.test && <StatusBadge tone="quiet">{t('webhooks.testBadge')}</StatusBadge>}
        </Group>
      ),
    },
    {
      key: 'status',
      header: t('common.status'),
      render: (row) => (
        <div>
          <MessageBadge status={row.status} />
          {row.next_attempt_at && row.attempts > 0 && (
            <Text size="sm" c="dimmed">
              {t('webhooks.nextAttempt')} <RelativeTime at={row.next_attempt_at} />
            </Text>
          )}
        </div>
      ),
    },
    { key: 'attempts', header: t('webhooks.attempts'), align: 'end', render: (row) => formatNumber(row.attempts) },
    {
      key: 'answer',
      header: t('webhooks.answer'),
      width: '28%',
      render: (row) => <Answer message={row} />,
    },
    { key: 'when', header: t('webhooks.when'), nowrap: true, render: (row) => <RelativeTime at={row.created_at} /> },
    {
      key: 'replay',
      header: '',
      width: 56,
      render: (row) => webhook.enabled && row.status !== 'pending' && <ReplayButton webhook={webhook} message={row} />,
    },
  ];
}

function Answer({ message }: { message: WebhookMessage }) {
  const { t } = useTranslation();
  if (message.attempts === 0) return t('webhooks.noAttempt');
  if (!message.last_error) return message.last_status;
  return (
    <Text size="sm" lineClamp={2} title={message.last_error} style={{ overflowWrap: 'anywhere' }}>
      {message.last_error}
    </Text>
  );
}

function ReplayButton({ webhook, message }: { webhook: Webhook; message: WebhookMessage }) {
  const { t } = useTranslation();
  const replay = useReplay(webhook.id);
  return (
    <Tooltip label={t('webhooks.replay')}>
      <ActionIcon
        variant="subtle"
        color="gray"
        loading={replay.isPending}
        aria-label={t('webhooks.replayOf', { id: message.id })}
        onClick={() => replay.mutate(message.id)}
      >
        <IconRepeat size={16} />
      </ActionIcon>
    </Tooltip>
  );
}

const HOUR = 3_600_000;
const spans = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, all: null } as const;

function ReplayFailed({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const replay = useMutation({
    mutationFn: (span: keyof typeof spans) => {
      const since = spans[span] === null ? new Date(0) : new Date(Date.now() - spans[span]);
      return replayFailed({ id: webhook.id, since: since.toISOString() });
    },
    onSuccess: ({ replayed }) => {
      notifySuccess(replayed === 0 ? t('webhooks.replayedNone') : t('webhooks.replayedCount', { count: replayed }));
      return queryClient.invalidateQueries({ queryKey: ['webhooks', webhook.id] });
    },
    onError: notifyError,
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="xs" leftSection={<IconRefresh size={14} />} loading={replay.isPending}>
          {t('webhooks.replayFailed')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {(Object.keys(spans) as (keyof typeof spans)[]).map((span) => (
          <Menu.Item key={span} onClick={() => replay.mutate(span)}>
            {t(`webhooks.since.${span}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
