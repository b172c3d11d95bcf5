import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ReasonCount, Unsubscribe } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { BarList } from '@/ui/bar-list';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { commentsQuery, reasonsQuery } from './queries';

/** Why people left by the links of a mailing, and what they wrote about it. */
export function ReasonsCard({ id }: { id: number }) {
  const { t } = useTranslation();
  const query = useQuery(reasonsQuery(id));
  return (
    <Section title={t('campaigns.live.reasons')} description={t('campaigns.live.reasonsText')}>
      <QueryView query={query}>
        {({ items }) =>
          items.every((one) => one.count === 0) ? (
            <Text c="dimmed">{t('campaigns.live.noReasons')}</Text>
          ) : (
            <Stack>
              <Reasons items={items} />
              <Comments id={id} />
            </Stack>
          )
        }
      </QueryView>
    </Section>
  );
}

function Reasons({ items }: { items: ReasonCount[] }) {
  const { t } = useTranslation();
  return (
    <BarList
      label={t('campaigns.live.reasons')}
      items={items
        .filter((one) => one.count > 0)
        .sort((a, b) => b.count - a.count)
        .map((one) => ({
          key: one.reason ?? '',
          label: t(`unsubscribes.reason.${one.reason ?? 'none'}`),
          value: one.count,
          text: t('campaigns.live.reasonPeople', { count: one.count }),
        }))}
    />
  );
}

function Comments({ id }: { id: number }) {
  const { t } = useTranslation();
  const cursor = useCursor('');
  const query = useQuery(commentsQuery(id, cursor.current));
  if (!query.data || query.data.items.length === 0) return null;
  const columns: Column<Unsubscribe>[] = [
    {
      key: 'comment',
      header: t('campaigns.live.comments'),
      render: (row) => <span style={{ overflowWrap: 'anywhere' }}>{row.comment}</span>,
    },
    {
      key: 'reason',
      header: t('common.reason'),
      render: (row) => t(`unsubscribes.reason.${row.reason ?? 'none'}`),
    },
    {
      key: 'email',
      header: t('common.email'),
      render: (row) =>
        row.email && (
          <LinkAnchor to="/subscribers/$id" params={{ id: String(row.subscriber_id) }} className="link-strong">
            {row.email}
          </LinkAnchor>
        ),
    },
    { key: 'when', header: t('deliveries.when'), nowrap: true, render: (row) => <RelativeTime at={row.reason_at} /> },
  ];
  return (
    <div>
      <DataTable
        label={t('campaigns.live.comments')}
        columns={columns}
        rows={query.data.items}
        rowKey={(row) => row.id}
      />
      <Pager cursor={cursor} next={query.data.next_cursor} shown={query.data.items.length} total={query.data.total} />
    </div>
  );
}
