import { Checkbox, Group, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Subscriber, SubscriptionStatus } from '@/api/types';
import { NONE } from '@/lib/format';
import { type Column, DataTable } from './data-table';
import { LinkAnchor } from './link';
import { RelativeTime } from './relative-time';
import { StatusBadge } from './status-badge';
import type { Tone } from './tone';

export const subscriptionTone: Record<SubscriptionStatus, Tone> = {
  subscribed: 'good',
  unconfirmed: 'warn',
  unsubscribed: 'quiet',
};

type Props = {
  subscribers: Subscriber[];
  listId?: number;
  /** Lets people be selected. */
  selected?: ReadonlySet<number>;
  onSelect?: (selected: ReadonlySet<number>) => void;
};

/** Subscribers in a table; with listId the status column tells of that list, else the lists are named. */
export function SubscriberTable({ subscribers, listId, selected, onSelect }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const columns: Column<Subscriber>[] = [
    {
      key: 'email',
      header: t('common.email'),
      width: '32%',
      render: (row) => (
        <Group gap="sm" wrap="nowrap">
          {selected && onSelect && (
            <Checkbox
              aria-label={t('bulk.select', { email: row.email })}
              checked={selected.has(row.id)}
              onChange={(event) => onSelect(toggled(selected, row.id, event.currentTarget.checked))}
            />
          )}
          <LinkAnchor
            to="/subscribers/$id"
            params={{ id: String(row.id) }}
            className="link-strong"
            style={{ overflowWrap: 'anywhere' }}
          >
            {row.email}
          </LinkAnchor>
        </Group>
      ),
    },
    { key: 'name', header: t('common.name'), render: (row) => row.name || NONE },
    {
      key: 'status',
      header: listId === undefined ? t('nav.lists') : t('common.status'),
      render: (row) => <Status subscriber={row} listId={listId} />,
    },
    {
      key: 'added',
      header: t('subscribers.added'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.created_at} />,
    },
  ];
  return (
    <DataTable
      label={t('nav.subscribers')}
      columns={columns}
      rows={subscribers}
      rowKey={(row) => row.id}
      onRowClick={(row) => void navigate({ to: '/subscribers/$id', params: { id: String(row.id) } })}
    />
  );
}

function toggled(selected: ReadonlySet<number>, id: number, on: boolean): ReadonlySet<number> {
  const next = new Set(selected);
  if (on) next.add(id);
  else next.delete(id);
  return next;
}

function Status({ subscriber, listId }: { subscriber: Subscriber; listId: number | undefined }) {
  const { t } = useTranslation();
  const own = subscriber.subscriptions.filter((one) => listId === undefined || one.list_id === listId);
  return (
    <Group gap={6}>
      {subscriber.suppressed && <StatusBadge tone="bad">{t('subscriptions.suppressed')}</StatusBadge>}
      {own.map((one) => (
        <StatusBadge key={one.list_id} tone={subscriptionTone[one.status]}>
          {listId === undefined ? one.list_name : t(`subscriptions.${one.status}`)}
          {listId === undefined && one.status !== 'subscribed' && ` · ${t(`subscriptions.${one.status}`)}`}
        </StatusBadge>
      ))}
      {own.length === 0 && !subscriber.suppressed && <Text c="dimmed">{t('subscribers.onNoList')}</Text>}
    </Group>
  );
}
