import { Alert, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { ColumnTarget, Import, ImportColumn, ImportMapping } from '@/api/types';
import { NONE } from '@/lib/format';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { FormAlert } from '@/ui/form-alert';
import { notifyError } from '@/ui/notify';
import { Section } from '@/ui/section';
import { ImportPreviewTable } from './import-preview';
import { initialMapping, type MappingProblem, mappingProblems, rename, retarget } from './mapping';
import { cancelImport, importQuery, previewQuery, startImport } from './queries';

const targets: ColumnTarget[] = ['email', 'name', 'attribute', 'skip'];
const delimiterNames: Record<string, 'comma' | 'semicolon' | 'tab'> = { ',': 'comma', ';': 'semicolon', '\t': 'tab' };
const PREVIEW_AFTER_MS = 300;

/** Says what each column means, and shows the first rows as the server would take them. */
export function ImportMappingForm({ job }: { job: Import }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [mapping, setMapping] = useState<ImportMapping>(() => initialMapping(job));
  const problems = useMemo(() => mappingProblems(mapping), [mapping]);
  const [settled] = useDebouncedValue(mapping, PREVIEW_AFTER_MS);
  const preview = useQuery(previewQuery(job.id, settled, job.format, mappingProblems(settled).length === 0));
  const start = useMutation({
    mutationFn: () => startImport({ id: job.id, mapping }),
    onSuccess: (started) => {
      queryClient.setQueryData(importQuery(job.id).queryKey, started);
      void queryClient.invalidateQueries({ queryKey: ['imports', 'page'] });
    },
  });
  const discard = useMutation({
    mutationFn: () => cancelImport(job.id),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['imports'] });
      await navigate({ to: '/imports' });
    },
    onError: notifyError,
  });
  return (
    <Stack>
      {start.error && <FormAlert message={errorMessage(start.error)} />}
      <Section title={t('imports.columns')} description={<Detected job={job} />} flush>
        <MappingTable job={job} mapping={mapping} problems={problems} onChange={setMapping} />
        <Stack p="md" gap="sm">
          {problems.map((problem) => (
            <Alert
              key={`${problem.code}-${'index' in problem ? problem.index : ''}${'target' in problem ? problem.target : ''}`}
              variant="default"
              py="xs"
              icon={<IconAlertTriangle color="var(--app-warn)" />}
            >
              {problemText(problem, t)}
            </Alert>
          ))}
          <Select
            label={t('imports.subscribeAs')}
            description={t('imports.subscribeAsHint')}
            allowDeselect={false}
            maw={420}
            value={mapping.status}
            onChange={(status) =>
              setMapping({ ...mapping, status: status === 'unconfirmed' ? 'unconfirmed' : 'subscribed' })
            }
            data={[
              { value: 'subscribed', label: t('subscriptions.subscribed') },
              { value: 'unconfirmed', label: t('subscriptions.unconfirmed') },
            ]}
          />
        </Stack>
      </Section>
      {problems.length === 0 && (
        <Section title={t('imports.preview')} description={t('imports.previewText')} flush>
          <ImportPreviewTable preview={preview} mapping={settled} />
        </Section>
      )}
      <Group justify="flex-end">
        <Button
          variant="default"
          loading={discard.isPending}
          onClick={() =>
            confirmAction({
              title: t('imports.discardTitle', { name: job.filename }),
              body: t('imports.discardText'),
              confirm: t('imports.discard'),
              onConfirm: () => discard.mutate(),
            })
          }
        >
          {t('imports.discard')}
        </Button>
        <Button disabled={problems.length > 0} loading={start.isPending} onClick={() => start.mutate()}>
          {t('imports.start', { list: job.list_name })}
        </Button>
      </Group>
    </Stack>
  );
}

function Detected({ job }: { job: Import }) {
  const { t } = useTranslation();
  const known = delimiterNames[job.format.delimiter];
  return t('imports.detected', {
    delimiter: known ? t(`imports.delimiter.${known}`) : job.format.delimiter,
    header: job.format.has_header ? t('imports.withHeader') : t('imports.withoutHeader'),
  });
}

type TableProps = {
  job: Import;
  mapping: ImportMapping;
  problems: MappingProblem[];
  onChange: (mapping: ImportMapping) => void;
};

function MappingTable({ job, mapping, problems, onChange }: TableProps) {
  const { t } = useTranslation();
  const nameOf = (column: ImportColumn) => column.header || t('imports.columnNumber', { number: column.index + 1 });
  const columns: Column<ImportColumn>[] = [
    { key: 'column', header: t('imports.column'), render: (column) => <Text fw={550}>{nameOf(column)}</Text> },
    {
      key: 'samples',
      header: t('imports.samples'),
      width: '36%',
      render: (column) => (
        <Text size="sm" c="dimmed" lineClamp={1} title={column.samples.join(', ')}>
          {column.samples.filter(Boolean).join(', ') || t('imports.noSamples')}
        </Text>
      ),
    },
    {
      key: 'target',
      header: t('imports.target'),
      width: 190,
      render: (column) => (
        <Select
          aria-label={t('imports.targetOf', { name: nameOf(column) })}
          allowDeselect={false}
          value={mapping.columns.find((one) => one.index === column.index)?.target ?? 'skip'}
          onChange={(target) => onChange(retarget(mapping, column, target as ColumnTarget))}
          data={targets.map((target) => ({ value: target, label: t(`imports.targets.${target}`) }))}
        />
      ),
    },
    {
      key: 'attribute',
      header: t('imports.attribute'),
      width: 220,
      render: (column) => {
        const mapped = mapping.columns.find((one) => one.index === column.index);
        if (mapped?.target !== 'attribute') return NONE;
        return (
          <TextInput
            aria-label={t('imports.attributeOf', { name: nameOf(column) })}
            value={mapped.attribute ?? ''}
            error={problems.some((problem) => 'index' in problem && problem.index === column.index)}
            onChange={(event) => onChange(rename(mapping, column.index, event.currentTarget.value))}
          />
        );
      },
    },
  ];
  return (
    <DataTable label={t('imports.columns')} columns={columns} rows={job.columns} rowKey={(column) => column.index} />
  );
}

function problemText(problem: MappingProblem, t: TFunction): string {
  switch (problem.code) {
    case 'noEmail':
      return t('imports.problems.noEmail');
    case 'twice':
      return t('imports.problems.twice', { target: t(`imports.targets.${problem.target}`) });
    case 'attributeEmpty':
      return t('imports.problems.attributeEmpty', { number: problem.index + 1 });
    case 'attributeTwice':
      return t('imports.problems.attributeTwice', { name: problem.attribute });
  }
}
