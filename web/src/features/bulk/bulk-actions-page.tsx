import { Paper } from '@mantine/core';
import { IconUsersGroup } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { BulkAction } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { useBulkWords } from './bulk-words';
import { bulkActionsQuery, bulkTone } from './queries';

/** What was done to many people, newest first. */
export function BulkActionsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const cursor = useCursor('');
  const query = useQuery(bulkActionsQuery(cursor.current));
  const words = useBulkWords();
  const columns: Column<BulkAction>[] = [
    {
      key: 'what',
      header: t('bulk.what'),
      width: '30%',
      render: (row) => (
        <LinkAnchor to="/bulk-actions/$id" params={{ id: String(row.id) }} className="link-strong">
          {words.what(row)}
        </LinkAnchor>
      ),
    },
    { key: 'whom', header: t('bulk.whom'), render: words.whom },
    { key: 'changed', header: t('bulk.changed'), align: 'end', render: (row) => formatNumber(row.changed) },
    {
      key: 'status',
      header: t('common.status'),
      render: (row) => <StatusBadge tone={bulkTone[row.status]}>{t(`bulk.status.${row.status}`)}</StatusBadge>,
    },
    {
      key: 'when',
      header: t('suppressions.when'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.created_at} />,
    },
  ];
  return (
    <>
      <PageHeader
        title={t('nav.bulk')}
        description={t('bulk.text')}
        back={
          <LinkAnchor to="/subscribers" className="link">
            {t('nav.subscribers')}
          </LinkAnchor>
        }
      />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState icon={IconUsersGroup} title={t('bulk.empty')} text={t('bulk.emptyText')} />
            ) : (
              <>
                <DataTable
                  label={t('nav.bulk')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.id}
                  onRowClick={(row) => void navigate({ to: '/bulk-actions/$id', params: { id: String(row.id) } })}
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
