import { Button, SegmentedControl, Text } from '@mantine/core';
import { IconMailQuestion } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { OptInRequest } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';
import { optInRequestsQuery, resendOptIn } from './queries';

const tones: Record<OptInRequest['state'], Tone> = {
  pending: 'info',
  sending: 'info',
  sent: 'info',
  uncertain: 'warn',
  failed: 'bad',
  suppressed: 'bad',
  limited: 'warn',
  confirmed: 'good',
  declined: 'quiet',
  expired: 'quiet',
  removed: 'quiet',
};
const reasons = ['bounce', 'complaint', 'unsubscribe', 'manual'] as const;
const resendable: OptInRequest['state'][] = ['sent', 'uncertain', 'failed', 'limited', 'expired'];
const POLL_MS = 10_000;

/** Who was asked to confirm, how their mail is doing, and another one for them. */
export function OptInRequests({ listId }: { listId: number }) {
  const { t } = useTranslation();
  const [state, setState] = useState('open');
  const cursor = useCursor(`${listId} ${state}`);
  const asked = state === 'all' ? '' : state;
  const query = useQuery({ ...optInRequestsQuery(listId, asked, cursor.current), refetchInterval: POLL_MS });
  return (
    <Section
      title={t('optIn.pendingTitle')}
      description={t('optIn.pendingText')}
      flush
      actions={
        <SegmentedControl
          aria-label={t('optIn.filter')}
          value={state}
          onChange={setState}
          data={(['open', 'ended', 'all'] as const).map((value) => ({ value, label: t(`optIn.filters.${value}`) }))}
        />
      }
    >
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState
              icon={IconMailQuestion}
              title={state === 'open' ? t('optIn.noneOpen') : t('optIn.none')}
              text={t('optIn.noneText')}
            />
          ) : (
            <>
              <Requests listId={listId} requests={page.items} />
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
            </>
          )
        }
      </QueryView>
    </Section>
  );
}

function Requests({ listId, requests }: { listId: number; requests: OptInRequest[] }) {
  const { t } = useTranslation();
  const columns: Column<OptInRequest>[] = [
    { key: 'person', header: t('optIn.person'), width: '28%', render: (row) => <Person request={row} /> },
    {
      key: 'state',
      header: t('optIn.state'),
      render: (row) => <StatusBadge tone={tones[row.state]}>{t(`optIn.states.${row.state}`)}</StatusBadge>,
    },
    { key: 'reply', header: t('optIn.reply'), width: '28%', render: (row) => <Reply request={row} /> },
    { key: 'asked', header: t('optIn.asked'), nowrap: true, render: (row) => <RelativeTime at={row.created_at} /> },
    { key: 'until', header: t('optIn.until'), nowrap: true, render: (row) => <DateTime at={row.expires_at} /> },
    { key: 'again', header: '', align: 'end', render: (row) => <Resend listId={listId} request={row} /> },
  ];
  return <DataTable label={t('optIn.pendingTitle')} columns={columns} rows={requests} rowKey={(row) => row.id} />;
}

function Person({ request }: { request: OptInRequest }) {
  const { t } = useTranslation();
  const admin = request.source === 'api' ? t('optIn.byApi') : t('optIn.byAdmin');
  return (
    <div style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
      {request.subscriber_id > 0 ? (
        <LinkAnchor to="/subscribers/$id" params={{ id: String(request.subscriber_id) }} className="link-strong">
          {request.email}
        </LinkAnchor>
      ) : (
        <Text fw={600}>{request.email || t('optIn.gone')}</Text>
      )}
      <Text size="sm" c="dimmed">
        {request.form_name ? t('optIn.by', { form: request.form_name }) : admin}
      </Text>
    </div>
  );
}

function Reply({ request }: { request: OptInRequest }) {
  const { t } = useTranslation();
  const why = reasons.find((reason) => reason === request.suppression);
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      {request.reply && <Text size="sm">{request.reply}</Text>}
      {request.attempts > 1 && (
        <Text size="sm" c="dimmed">
          {t('optIn.attempts', { count: request.attempts })}
        </Text>
      )}
      {why && (
        <Text size="sm" c="var(--app-bad)">
          {t('optIn.never', { reason: t(`optIn.suppression.${why}`) })}
        </Text>
      )}
    </div>
  );
}

function Resend({ listId, request }: { listId: number; request: OptInRequest }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const again = useMutation({
    mutationFn: () => resendOptIn({ id: listId, requestId: request.id }),
    onSuccess: () => {
      notifySuccess(t('optIn.resent', { email: request.email }));
      return queryClient.invalidateQueries({ queryKey: ['lists', listId, 'optin-requests'] });
    },
    onError: notifyError,
  });
  const never = request.suppression !== '' && request.suppression !== 'unsubscribe';
  if (never || !resendable.includes(request.state) || !request.email) return null;
  return (
    <Button size="xs" variant="default" loading={again.isPending} onClick={() => again.mutate()}>
      {t('optIn.resend')}
    </Button>
  );
}
