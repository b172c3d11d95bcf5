import { Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconDownload, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Import, ImportError } from '@/api/types';
import { formatBytes, formatNumber, formatPercent } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { FormAlert } from '@/ui/form-alert';
import { LinkButton } from '@/ui/link';
import { notifyError } from '@/ui/notify';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { StackedBar } from '@/ui/stacked-bar';
import { StatGrid } from '@/ui/stat-tile';
import { isFinal, isMoving } from './import-status';
import { cancelImport, importErrorsQuery, importErrorsUrl, importQuery } from './queries';

const COLORS = { created: '#2b9a6e', updated: '#5c75e8', unchanged: '#98a0ae', rejected: '#d9483b' };

/** A running import with its counts, and what came of one that ended. */
export function ImportProgress({ job }: { job: Import }) {
  const { t } = useTranslation();
  const tiles = [
    { label: t('imports.created'), value: formatNumber(job.created), hint: t('imports.createdHint') },
    { label: t('imports.updated'), value: formatNumber(job.updated), hint: t('imports.updatedHint') },
    { label: t('imports.unchanged'), value: formatNumber(job.unchanged), hint: t('imports.unchangedHint') },
    { label: t('imports.rejected'), value: formatNumber(job.rejected), hint: t('imports.rejectedHint') },
  ];
  return (
    <Stack>
      {job.error && <FormAlert message={job.error} />}
      <Bar job={job} />
      <StatGrid stats={tiles} />
      {job.suppressed > 0 && (
        <Text c="dimmed" size="sm">
          {t('imports.suppressed', { count: job.suppressed })}
        </Text>
      )}
      {job.status === 'done' && (
        <Group gap="xs">
          <LinkButton to="/lists/$id" params={{ id: String(job.list_id) }}>
            {t('imports.openList', { list: job.list_name })}
          </LinkButton>
          <LinkButton to="/campaigns/new" variant="default">
            {t('imports.writeCampaign')}
          </LinkButton>
        </Group>
      )}
      {job.rejected > 0 && isFinal(job.status) && <Errors job={job} />}
    </Stack>
  );
}

function Bar({ job }: { job: Import }) {
  const { t } = useTranslation();
  const moving = isMoving(job.status);
  // While it runs the bar is as long as the part of the file that was read; rows to come are not known.
  const done = job.status === 'done' ? 1 : job.progress;
  const whole = done > 0 ? job.rows / done : 0;
  return (
    <Paper p="md" component="section" aria-label={t('imports.progress')}>
      <Group justify="space-between" mb="sm">
        <Group gap="xs" align="baseline">
          <Text fz={26} fw={650} lh={1.2} className="tabular">
            {formatPercent(done, 1)}
          </Text>
          <Text c="dimmed" className="tabular" role="status">
            {t('imports.readOf', {
              rows: job.rows,
              read: formatBytes(job.read_bytes),
              size: formatBytes(job.size_bytes),
            })}
          </Text>
        </Group>
        {moving && <CancelButton job={job} />}
      </Group>
      <StackedBar
        label={t('imports.progressOf', { name: job.filename })}
        total={whole}
        done={job.rows}
        legend
        parts={(['created', 'updated', 'unchanged', 'rejected'] as const).map((key) => ({
          key,
          label: t(`imports.${key}`),
          value: job[key],
          color: COLORS[key],
        }))}
      />
    </Paper>
  );
}

function CancelButton({ job }: { job: Import }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => cancelImport(job.id),
    onSuccess: (saved) => queryClient.setQueryData(importQuery(job.id).queryKey, saved),
    onError: notifyError,
  });
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<IconX size={15} />}
      loading={cancel.isPending}
      onClick={() =>
        confirmAction({
          title: t('imports.cancelTitle', { name: job.filename }),
          body: t('imports.cancelText', { count: job.created + job.updated }),
          confirm: t('imports.cancel'),
          onConfirm: () => cancel.mutate(),
        })
      }
    >
      {t('imports.cancel')}
    </Button>
  );
}

function Errors({ job }: { job: Import }) {
  const { t } = useTranslation();
  const cursor = useCursor('');
  const query = useQuery(importErrorsQuery(job.id, cursor.current));
  const columns: Column<ImportError>[] = [
    { key: 'row', header: t('imports.row'), render: (row) => t('imports.rowNumber', { row: row.row }) },
    { key: 'column', header: t('imports.column'), render: (row) => row.column },
    {
      key: 'value',
      header: t('imports.value'),
      render: (row) => (
        <span className="mono" style={{ overflowWrap: 'anywhere' }}>
          {row.value}
        </span>
      ),
    },
    { key: 'reason', header: t('common.reason'), width: '45%', render: (row) => row.reason },
  ];
  return (
    <Section
      title={t('imports.errors', { count: job.rejected })}
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
