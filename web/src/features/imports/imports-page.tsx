import { Paper, Progress, Text } from '@mantine/core';
import { IconFileImport, IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { formatBytes, formatNumber, formatPercent, NONE } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { importTone, isMoving } from './import-status';
import { importsQuery } from './queries';

const route = getRouteApi('/shell/imports');
const REFRESH_MS = 2_000;

export function ImportsPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const cursor = useCursor('');
  const query = useQuery({
    ...importsQuery(cursor.current),
    refetchInterval: (state) => (state.state.data?.items.some((job) => isMoving(job.status)) ? REFRESH_MS : false),
  });
  const columns = useColumns();
  return (
    <>
      <PageHeader
        title={t('nav.imports')}
        description={t('imports.text')}
        actions={
          <LinkButton to="/imports/new" leftSection={<IconUpload size={16} />}>
            {t('imports.new')}
          </LinkButton>
        }
      />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconFileImport}
                title={t('imports.empty')}
                text={t('imports.emptyText')}
                action={<LinkButton to="/imports/new">{t('imports.new')}</LinkButton>}
              />
            ) : (
              <>
                <DataTable
                  label={t('nav.imports')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.id}
                  onRowClick={(row) => void navigate({ to: '/imports/$id', params: { id: String(row.id) } })}
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

function useColumns(): Column<Import>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'file',
      header: t('imports.file'),
      width: '36%',
      render: (row) => (
        <div>
          <LinkAnchor to="/imports/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.filename}
          </LinkAnchor>
          <Text size="sm" c="dimmed">
            {t('imports.intoList', { list: row.list_name, size: formatBytes(row.size_bytes) })}
          </Text>
        </div>
      ),
    },
    {
      key: 'status',
      header: t('common.status'),
      render: (row) =>
        row.status === 'running' ? (
          <div style={{ minWidth: 120 }}>
            <Progress value={row.progress * 100} aria-label={t('imports.progressOf', { name: row.filename })} />
            <Text size="sm" c="dimmed" mt={4}>
              {formatPercent(row.progress, 1)}
            </Text>
          </div>
        ) : (
          <StatusBadge tone={importTone[row.status]}>{t(`imports.status.${row.status}`)}</StatusBadge>
        ),
    },
    {
      key: 'rows',
      header: t('imports.rows'),
      align: 'end',
      render: (row) => (row.status === 'uploaded' ? NONE : formatNumber(row.rows)),
    },
    {
      key: 'created',
      header: t('imports.created'),
      align: 'end',
      render: (row) => (row.status === 'uploaded' ? NONE : formatNumber(row.created)),
    },
    {
      key: 'rejected',
      header: t('imports.rejected'),
      align: 'end',
      render: (row) =>
        row.rejected > 0 ? (
          <span style={{ color: 'var(--app-bad)' }}>{formatNumber(row.rejected)}</span>
        ) : row.status === 'uploaded' ? (
          NONE
        ) : (
          0
        ),
    },
    { key: 'when', header: t('imports.when'), nowrap: true, render: (row) => <RelativeTime at={row.created_at} /> },
  ];
}
