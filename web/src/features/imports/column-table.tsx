import { Badge, Group, Select, SimpleGrid, Text, TextInput } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ColumnMapping, DateOrder, Field, FieldType, ImportColumn } from '@/api/types';
import classes from './column-table.module.css';
import { dateOrders, isAmbiguous, readDate, spellDate } from './dates';
import {
  type Choice,
  change,
  choiceOf,
  choose,
  fieldTypes,
  isDated,
  type MappingDraft,
  type MappingProblem,
  typeOfColumn,
} from './mapping';

const SAMPLES = 3;

type Props = {
  columns: ImportColumn[];
  draft: MappingDraft;
  fields: Field[];
  problems: MappingProblem[];
  /** Whether the columns have names of their own. */
  header: boolean;
  onChange: (draft: MappingDraft) => void;
};

/** The columns of the file, each with what becomes of it and what is wrong with that. */
export function ColumnTable({ columns, draft, fields, problems, header, onChange }: Props) {
  const { t } = useTranslation();
  const missing = problems.some((problem) => problem.code === 'noEmail');
  return (
    <>
      {missing && (
        <Text id="import-columns" tabIndex={-1} role="alert" px="md" pb="sm" size="sm" c="var(--app-warn)" fw={550}>
          {t('imports.problems.noEmail')}
        </Text>
      )}
      <ul className={classes.columns} aria-label={t('imports.columns')}>
        {columns.map((column) => (
          <ColumnRow
            key={column.index}
            column={column}
            name={header && column.header ? column.header : t('imports.columnNumber', { number: column.index + 1 })}
            draft={draft}
            fields={fields}
            problem={problems.find((one) => 'index' in one && one.index === column.index)}
            onChange={onChange}
          />
        ))}
      </ul>
    </>
  );
}

type RowProps = {
  column: ImportColumn;
  name: string;
  draft: MappingDraft;
  fields: Field[];
  problem: MappingProblem | undefined;
  onChange: (draft: MappingDraft) => void;
};

function ColumnRow({ column, name, draft, fields, problem, onChange }: RowProps) {
  const { t } = useTranslation();
  const mapped = draft.columns.find((one) => one.index === column.index);
  const choice = choiceOf(mapped, fields);
  const samples = column.samples.filter(Boolean).slice(0, SAMPLES);
  const set = (to: Partial<ColumnMapping>) => onChange(change(draft, column.index, (now) => ({ ...now, ...to })));
  return (
    <li className={classes.column} data-wrong={problem ? true : undefined}>
      <div>
        <Group gap={8}>
          <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
            {name}
          </Text>
          {column.suggested?.remembered && (
            <Badge
              variant="transparent"
              style={{ background: 'var(--app-info-soft)', color: 'var(--app-info)' }}
              title={t('imports.rememberedText')}
            >
              {t('imports.remembered')}
            </Badge>
          )}
        </Group>
        {samples.length > 0 ? (
          <ul className={classes.samples} aria-label={t('imports.samplesOf', { name })}>
            {samples.map((sample, index) => (
              <li key={index} className={classes.sample} title={sample}>
                {sample}
              </li>
            ))}
          </ul>
        ) : (
          <Text size="sm" c="dimmed">
            {t('imports.noSamples')}
          </Text>
        )}
      </div>
      <IconArrowRight className={classes.arrow} size={18} aria-hidden />
      <div>
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing="xs">
          <Select
            aria-label={t('imports.targetOf', { name })}
            allowDeselect={false}
            searchable={fields.length > 8}
            value={choice}
            error={problem?.code === 'emailTwice' ? problemText(problem, t) : null}
            onChange={(next) => next && onChange(choose(draft, column, next as Choice, fields))}
            data={targetOptions(fields, t)}
          />
          {choice === 'new' && mapped && <NewField name={name} mapped={mapped} problem={problem} onChange={set} />}
          {choice === 'skip' && (
            <Text size="sm" c="dimmed" mt={8} visibleFrom="xs">
              {t('imports.skipped')}
            </Text>
          )}
        </SimpleGrid>
        {mapped?.target === 'attribute' && isDated(typeOfColumn(mapped, fields)) && (
          <DateOrderChoice
            name={name}
            samples={column.samples}
            value={mapped.date_order ?? ''}
            problem={problem}
            onChange={(date_order) => set({ date_order })}
          />
        )}
      </div>
    </li>
  );
}

function targetOptions(fields: Field[], t: TFunction) {
  return [
    {
      group: t('imports.targets.person'),
      items: [
        { value: 'email', label: t('imports.targets.email') },
        { value: 'name', label: t('imports.targets.name') },
      ],
    },
    {
      group: t('imports.targets.fields'),
      items: [
        ...fields.map((field) => ({
          value: `field:${field.name}`,
          label: `${field.label || field.name} (${t(`imports.types.${field.type}`)})`,
        })),
        { value: 'new', label: t('imports.targets.new') },
      ],
    },
    { group: t('imports.targets.otherwise'), items: [{ value: 'skip', label: t('imports.targets.skip') }] },
  ];
}

type NewFieldProps = {
  name: string;
  mapped: ColumnMapping;
  problem: MappingProblem | undefined;
  onChange: (to: Partial<ColumnMapping>) => void;
};

function NewField({ name, mapped, problem, onChange }: NewFieldProps) {
  const { t } = useTranslation();
  const named = problem && ['fieldEmpty', 'fieldName', 'fieldTwice'].includes(problem.code);
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <TextInput
        flex={1}
        miw={0}
        aria-label={t('imports.fieldOf', { name })}
        value={mapped.attribute ?? ''}
        error={named ? problemText(problem, t) : null}
        onChange={(event) => onChange({ attribute: event.currentTarget.value })}
      />
      <Select
        w={116}
        style={{ flexShrink: 0 }}
        aria-label={t('imports.typeOf', { name })}
        allowDeselect={false}
        value={mapped.type || 'text'}
        onChange={(type) => type && onChange({ type: type as FieldType })}
        data={fieldTypes.map((type) => ({ value: type, label: t(`imports.types.${type}`) }))}
      />
    </Group>
  );
}

type DateProps = {
  name: string;
  samples: string[];
  value: DateOrder;
  problem: MappingProblem | undefined;
  onChange: (order: DateOrder) => void;
};

/** The order of day, month and year, asked where it matters, with a date of the file as it would be read. */
function DateOrderChoice({ name, samples, value, problem, onChange }: DateProps) {
  const { t } = useTranslation();
  const doubtful = samples.find(isAmbiguous);
  if (!doubtful && !value) return null;
  const example = doubtful ?? samples.find(Boolean) ?? '';
  const read = value && readDate(example, value);
  return (
    <Select
      mt="xs"
      label={t('imports.dateOrderOf', { name })}
      description={read ? t('imports.dateRead', { text: example, date: spellDate(read) }) : null}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      placeholder={t('imports.dateOrderChoose')}
      allowDeselect={false}
      value={value || null}
      error={problem?.code === 'dateOrder' ? problemText(problem, t) : null}
      onChange={(order) => order && onChange(order as DateOrder)}
      data={dateOrders.map((order) => ({ value: order, label: t(`imports.dateOrders.${order}`) }))}
    />
  );
}

function problemText(problem: MappingProblem, t: TFunction): string {
  switch (problem.code) {
    case 'noEmail':
      return t('imports.problems.noEmail');
    case 'emailTwice':
      return t('imports.problems.emailTwice');
    case 'fieldEmpty':
      return t('imports.problems.fieldEmpty');
    case 'fieldName':
      return t('imports.problems.fieldName');
    case 'fieldTwice':
      return t('imports.problems.fieldTwice', { name: problem.attribute });
    case 'dateOrder':
      return t('imports.problems.dateOrder', { sample: problem.sample });
  }
}
