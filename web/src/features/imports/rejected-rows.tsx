import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Import, ImportError } from '@/api/types';
import { NONE } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { importErrorsQuery, importErrorsUrl } from './queries';

type Props = { job: Import; count: number; asOf: string };

/** The rows that are left out, each with column, value and reason, and all of them as a file to mend. */
export function RejectedRows({ job, count, asOf }: Props) {
  const { t } = useTranslation();
  const cursor = useCursor('');
  const query = useQuery(importErrorsQuery(job.id, asOf, cursor.current));
  const columns: Column<ImportError>[] = [
    { key: 'row', header: t('imports.row'), width: 110, render: (row) => t('imports.rowNumber', { row: row.row }) },
    { key: 'column', header: t('imports.column'), render: (row) => row.column || NONE },
    {
      key: 'value',
      header: t('imports.value'),
      render: (row) =>
        row.value ? (
          <span className="mono" style={{ overflowWrap: 'anywhere' }}>
            {row.value}
          </span>
        ) : (
          NONE
        ),
    },
    { key: 'reason', header: t('common.reason'), width: '45%', render: (row) => row.reason },
  ];
  return (
    <Section
      title={t('imports.errors', { count })}
      description={t('imports.errorsText')}
      flush
      actions={
        <Button
          component="a"
          href={importErrorsUrl(job.id)}
          download
          variant="default"
          size="xs"
          leftSection={<IconDownload size={15} />}
        >
          {t('imports.download')}
        </Button>
      }
    >
      <QueryView query={query}>
        {(page) => (
          <>
            <DataTable
              label={t('imports.errorsTable')}
              columns={columns}
              rows={page.items}
              rowKey={(row) => `${row.row}-${row.column}`}
            />
            <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
          </>
        )}
      </QueryView>
    </Section>
  );
}
