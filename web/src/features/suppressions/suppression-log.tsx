import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { SuppressionLogEntry } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { suppressionLogQuery } from './queries';

/** What was suppressed and lifted, by whom and why. */
export function SuppressionLog() {
  const { t } = useTranslation();
  const cursor = useCursor('');
  const query = useQuery(suppressionLogQuery(cursor.current));
  const columns: Column<SuppressionLogEntry>[] = [
    { key: 'email', header: t('common.email'), width: '26%', render: (row) => <Text fw={550}>{row.email}</Text> },
    {
      key: 'action',
      header: t('common.status'),
      render: (row) => (
        <StatusBadge tone={row.action === 'added' ? 'bad' : 'good'}>
          {t(`suppressions.action.${row.action}`)}
        </StatusBadge>
      ),
    },
    { key: 'who', header: t('suppressions.who'), render: (row) => row.actor || t('suppressions.byItself') },
    {
      key: 'note',
      header: t('suppressions.noteColumn'),
      width: '36%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {row.action === 'added' ? t(`suppressions.reason.${row.reason}`) : row.note}
          </Text>
          <Text size="sm" c="dimmed" lineClamp={2} title={row.detail} style={{ overflowWrap: 'anywhere' }}>
            {row.action === 'added'
              ? row.detail
              : t('suppressions.wasFor', { reason: t(`suppressions.reason.${row.reason}`) })}
          </Text>
        </div>
      ),
    },
    { key: 'when', header: t('suppressions.when'), nowrap: true, render: (row) => <RelativeTime at={row.at} /> },
  ];
  return (
    <QueryView query={query}>
      {(page) =>
        page.items.length === 0 ? (
          <Text c="dimmed" p="md">
            {t('suppressions.logEmpty')}
          </Text>
        ) : (
          <>
            <DataTable label={t('suppressions.log')} columns={columns} rows={page.items} rowKey={(row) => row.id} />
            <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
          </>
        )
      }
    </QueryView>
  );
}
