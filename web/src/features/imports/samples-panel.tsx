import { Text, VisuallyHidden } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Field, Import, ImportFigures, ImportSample, ImportSampleKind } from '@/api/types';
import { fieldsQuery } from '@/features/fields/queries';
import { NONE } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { useFieldWords } from './field-words';
import { flaggedCount } from './import-status';
import { importSamplesQuery } from './queries';
import { RejectedRows } from './rejected-rows';
import classes from './samples-panel.module.css';

/** Which people of an import are looked at. */
export type Panel = ImportSampleKind | 'rejected' | 'unchanged';

/** How many examples of a kind the server keeps. */
const KEPT = 200;

const NO_FIELDS: Field[] = [];

type Props = { id: string; panel: Panel; job: Import; figures: ImportFigures; asOf: string };

/** The people behind a figure: rejected rows with their reasons, the others as examples. */
export function PanelOf({ id, panel, job, figures, asOf }: Props) {
  if (panel === 'unchanged') return null;
  return (
    <div id={id}>
      {panel === 'rejected' ? (
        <RejectedRows job={job} count={figures.rejected} asOf={asOf} />
      ) : (
        <Samples job={job} kind={panel} total={totalOf(panel, figures)} asOf={asOf} />
      )}
    </div>
  );
}

function totalOf(kind: ImportSampleKind, figures: ImportFigures): number {
  return kind === 'flagged' ? flaggedCount(figures) : figures[kind];
}

type SamplesProps = { job: Import; kind: ImportSampleKind; total: number; asOf: string };

function Samples({ job, kind, total, asOf }: SamplesProps) {
  const { t } = useTranslation();
  const fields = useQuery(fieldsQuery()).data ?? NO_FIELDS;
  const cursor = useCursor('');
  const query = useQuery(importSamplesQuery(job.id, kind, asOf, cursor.current));
  const columns = useColumns(kind, fields);
  return (
    <Section
      title={t(`imports.panels.${kind}`)}
      description={[
        t(`imports.panels.${kind}Text`),
        total > KEPT && t('imports.panels.examples', { kept: KEPT, total }),
      ]
        .filter(Boolean)
        .join(' ')}
      flush
    >
      <QueryView query={query}>
        {(page) => (
          <>
            <DataTable
              label={t(`imports.panels.${kind}`)}
              columns={columns}
              rows={page.items}
              rowKey={(row) => `${row.row} ${row.email} ${row.reason}`}
            />
            <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} />
          </>
        )}
      </QueryView>
    </Section>
  );
}

function useColumns(kind: ImportSampleKind, fields: Field[]): Column<ImportSample>[] {
  const { t } = useTranslation();
  const email: Column<ImportSample> = {
    key: 'email',
    header: t('common.email'),
    width: '32%',
    render: (row) => (
      <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
        {row.email}
      </Text>
    ),
  };
  const number: Column<ImportSample> = { key: 'row', header: t('imports.row'), width: 80, render: (row) => row.row };
  const reason: Column<ImportSample> = {
    key: 'reason',
    header: t('common.reason'),
    render: (row) => reasonOf(row.reason, t),
  };
  switch (kind) {
    case 'created':
      return [
        email,
        { key: 'data', header: t('imports.data'), render: (row) => <Data values={row.after} fields={fields} /> },
        number,
      ];
    case 'updated':
      return [
        email,
        { key: 'changes', header: t('imports.changes'), render: (row) => <Changes sample={row} fields={fields} /> },
        number,
      ];
    case 'unsubscribed':
      return [email, number];
    default:
      return [email, reason, number];
  }
}

const suppressionReasons = ['unsubscribe', 'bounce', 'complaint', 'manual'] as const;

/** A reason in words: of a suppression by its kind, of others as the server says it. */
function reasonOf(reason: string, t: TFunction): string {
  const known = suppressionReasons.find((one) => one === reason);
  return known ? t(`suppressions.reason.${known}`) : reason || NONE;
}

/** The name and the list stand before the fields. */
function inOrder(names: string[]): string[] {
  const first = ['name', 'list'];
  return [...first.filter((name) => names.includes(name)), ...names.filter((name) => !first.includes(name))];
}

function Data({ values, fields }: { values: Record<string, unknown>; fields: Field[] }) {
  const words = useFieldWords(fields);
  const filled = inOrder(Object.keys(values))
    .map((name) => [name, values[name]] as const)
    .filter(([name, value]) => words.partValue(name, value) !== '');
  if (filled.length === 0) return NONE;
  return (
    <ul className={classes.changes}>
      {filled.map(([name, value]) => (
        <li key={name}>
          <Text span inherit c="dimmed">
            {words.part(name)}:
          </Text>{' '}
          <span style={{ overflowWrap: 'anywhere' }}>{words.partValue(name, value)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Each value that would change, as it is and as it would be. */
function Changes({ sample, fields }: { sample: ImportSample; fields: Field[] }) {
  const { t } = useTranslation();
  const words = useFieldWords(fields);
  const names = inOrder([...new Set([...Object.keys(sample.before), ...Object.keys(sample.after)])]);
  return (
    <ul className={classes.changes}>
      {names.map((name) => {
        const before = words.partValue(name, sample.before[name]);
        const after = words.partValue(name, sample.after[name]);
        return (
          <li key={name}>
            <Text span inherit c="dimmed">
              {words.part(name)}:
            </Text>{' '}
            <VisuallyHidden>{t('imports.before')} </VisuallyHidden>
            {before ? (
              <del className={classes.was}>{before}</del>
            ) : (
              <span className={classes.was}>{t('imports.nothing')}</span>
            )}{' '}
            <IconArrowRight size={14} style={{ verticalAlign: '-2px' }} aria-hidden />{' '}
            <VisuallyHidden>{t('imports.after')} </VisuallyHidden>
            <ins className={classes.becomes}>{after || t('imports.nothing')}</ins>
          </li>
        );
      })}
    </ul>
  );
}
