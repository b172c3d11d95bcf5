import { Text, UnstyledButton } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Report } from '@/api/types';
import { useWords } from '@/lib/words';
import { type Column, DataTable } from '@/ui/data-table';
import { RelativeTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { kindTone, reportWords } from './kinds';

/** Reports as rows, each of which opens. */
export function ReportTable({ reports, onOpen }: { reports: Report[]; onOpen: (report: Report) => void }) {
  const { t } = useTranslation();
  const words = useWords();
  const columns: Column<Report>[] = [
    {
      key: 'recipient',
      header: t('reports.recipient'),
      width: '24%',
      render: (row) => (
        <UnstyledButton
          className="link-strong"
          style={{ overflowWrap: 'anywhere', textAlign: 'start' }}
          aria-label={t('reports.open', { email: row.address || row.source })}
          onClick={() => onOpen(row)}
        >
          {row.address || row.source}
        </UnstyledButton>
      ),
    },
    {
      key: 'kind',
      header: t('reports.kindColumn'),
      render: (row) => <StatusBadge tone={kindTone[row.kind]}>{t(`reports.kind.${row.kind}`)}</StatusBadge>,
    },
    {
      key: 'words',
      header: t('reports.words'),
      width: '32%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          {row.kind === 'bounce' && <Text size="sm">{words.reason(row.reason)}</Text>}
          <Text size="sm" c="dimmed" lineClamp={1} title={reportWords(row)} style={{ overflowWrap: 'anywhere' }}>
            {reportWords(row) || row.feedback_type}
          </Text>
        </div>
      ),
    },
    { key: 'action', header: t('reports.did'), render: (row) => t(`reports.action.${row.action}`) },
    {
      key: 'received',
      header: t('reports.received'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.received_at} />,
    },
  ];
  return (
    <DataTable
      label={t('reports.table')}
      columns={columns}
      rows={reports}
      rowKey={(row) => row.id}
      onRowClick={onOpen}
    />
  );
}
