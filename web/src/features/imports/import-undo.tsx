import { Button, List, Stack, Text } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Field, Import, ImportKept, ImportUndo } from '@/api/types';
import { fieldsQuery } from '@/features/fields/queries';
import { formatNumber } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor } from '@/ui/link';
import { notifyError } from '@/ui/notify';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { StatGrid } from '@/ui/stat-tile';
import { useFieldWords } from './field-words';
import { storing } from './import-status';
import { importKeptQuery, importQuery, undoImport } from './queries';

const NO_FIELDS: Field[] = [];

/** Takes an import back, after saying what that does and what it does not. */
export function UndoButton({ job }: { job: Import }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const undo = useMutation({
    mutationFn: () => undoImport(job.id),
    onSuccess: (undoing) => queryClient.setQueryData(importQuery(job.id).queryKey, undoing),
    onError: notifyError,
  });
  const ask = () =>
    confirmAction({
      title: t('imports.undo.title', { name: job.filename }),
      body: <UndoTerms job={job} />,
      confirm: t('imports.undo.confirm', { count: storing(job) }),
      onConfirm: () => undo.mutate(),
    });
  return (
    <Button variant="default" leftSection={<IconArrowBackUp size={16} />} loading={undo.isPending} onClick={ask}>
      {t(job.undo ? 'imports.undo.goOn' : 'imports.undo.button')}
    </Button>
  );
}

function UndoTerms({ job }: { job: Import }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <div>
        <Text fw={600}>{t('imports.undo.will')}</Text>
        <List size="md" spacing={4} mt={4}>
          {job.created > 0 && <List.Item>{t('imports.undo.created', { count: job.created })}</List.Item>}
          {job.updated > 0 && <List.Item>{t('imports.undo.updated', { count: job.updated })}</List.Item>}
        </List>
      </div>
      <div>
        <Text fw={600}>{t('imports.undo.willNot')}</Text>
        <List size="md" spacing={4} mt={4}>
          <List.Item>{t('imports.undo.keptPeople')}</List.Item>
          <List.Item>{t('imports.undo.keptLeft')}</List.Item>
          <List.Item>{t('imports.undo.keptMail')}</List.Item>
        </List>
      </div>
    </Stack>
  );
}

/** What an undo has taken back. */
export function UndoFigures({ undo }: { undo: ImportUndo }) {
  const { t } = useTranslation();
  const tiles = (['removed', 'unsubscribed', 'restored', 'kept'] as const).map((key) => ({
    label: t(`imports.undo.${key}`),
    value: formatNumber(undo[key]),
    hint: t(`imports.undo.${key}Hint`),
  }));
  return <StatGrid stats={tiles} />;
}

/** What an undo did, and what it left as it is. */
export function UndoOutcome({ job }: { job: Import }) {
  if (!job.undo) return null;
  return (
    <>
      <UndoFigures undo={job.undo} />
      {job.undo.kept > 0 && <Kept job={job} count={job.undo.kept} />}
    </>
  );
}

function Kept({ job, count }: { job: Import; count: number }) {
  const { t } = useTranslation();
  const words = useFieldWords(useQuery(fieldsQuery()).data ?? NO_FIELDS);
  const cursor = useCursor('');
  const query = useQuery(importKeptQuery(job.id, cursor.current));
  const columns: Column<ImportKept>[] = [
    {
      key: 'email',
      header: t('common.email'),
      render: (row) => (
        <LinkAnchor to="/subscribers/$id" params={{ id: String(row.subscriber_id) }} className="link-strong">
          {row.email}
        </LinkAnchor>
      ),
    },
    { key: 'what', header: t('imports.undo.what'), render: (row) => words.part(row.what) },
    { key: 'reason', header: t('common.reason'), width: '45%', render: (row) => row.reason },
  ];
  return (
    <Section title={t('imports.undo.keptTitle', { count })} description={t('imports.undo.keptText')} flush>
      <QueryView query={query}>
        {(page) => (
          <>
            <DataTable
              label={t('imports.undo.keptTable')}
              columns={columns}
              rows={page.items}
              rowKey={(row) => `${row.subscriber_id} ${row.what}`}
            />
            <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
          </>
        )}
      </QueryView>
    </Section>
  );
}
