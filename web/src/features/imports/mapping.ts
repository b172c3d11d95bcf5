import type {
  ColumnMapping,
  ColumnSuggestion,
  ColumnTarget,
  Field,
  FieldType,
  Import,
  ImportColumn,
  ImportMapping,
} from '@/api/types';
import { isAmbiguous } from './dates';

export const fieldTypes: FieldType[] = ['text', 'number', 'boolean', 'date', 'datetime', 'list'];

export type MappingProblem =
  | { code: 'noEmail' }
  | { code: 'emailTwice'; index: number }
  | { code: 'fieldEmpty'; index: number }
  | { code: 'fieldName'; index: number }
  | { code: 'fieldTwice'; index: number; attribute: string }
  | { code: 'dateOrder'; index: number; sample: string };

/** What the select of a column offers: "email", "name", "skip", "new", or "field:" and the name of a field that exists. */
export type Choice = Exclude<ColumnTarget, 'attribute'> | 'new' | `field:${string}`;

/** A mapping in the making: nothing is said yet of what these people agreed to. */
export type MappingDraft = Omit<ImportMapping, 'status'> & { status: ImportMapping['status'] | null };

/** A header as the name of a field, fit for merge tags: "First Name (GB)" becomes "first_name_gb". */
export function attributeName(header: string, index: number): string {
  const name = header
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '');
  return name || `column_${index + 1}`;
}

/** What the server suggests, with one address and every field with a name of its own. */
export function suggestedColumns(columns: ImportColumn[]): ColumnMapping[] {
  const taken = new Set<string>();
  let address = false;
  return columns.map(({ index, header, suggested }) => {
    const target = suggested?.target === 'email' && address ? 'attribute' : (suggested?.target ?? 'skip');
    if (target === 'email') address = true;
    if (target !== 'attribute') return { index, target };
    const wanted = suggested?.attribute || attributeName(header, index);
    let attribute = wanted;
    for (let n = 2; taken.has(attribute); n++) attribute = `${wanted}_${n}`;
    taken.add(attribute);
    return { index, target, attribute, ...typeOf(suggested) };
  });
}

function typeOf(suggested: ColumnSuggestion | null): Pick<ColumnMapping, 'type' | 'date_order'> {
  return { type: suggested?.type || 'text', date_order: suggested?.date_order ?? '' };
}

/** The mapping to begin with: the one that was checked last when there is one, else the suggestion. */
export function initialMapping(job: Import): MappingDraft {
  return job.check?.mapping ?? job.mapping ?? { columns: suggestedColumns(job.columns), status: null };
}

/** What is chosen for a column. */
export function choiceOf(mapped: ColumnMapping | undefined, fields: Field[]): Choice {
  if (!mapped) return 'skip';
  if (mapped.target !== 'attribute') return mapped.target;
  return fields.some((field) => field.name === mapped.attribute) ? `field:${mapped.attribute}` : 'new';
}

/** Points one column at something else. A new field is named after the header and has the type that was suggested. */
export function choose(draft: MappingDraft, column: ImportColumn, choice: Choice, fields: Field[]): MappingDraft {
  return change(draft, column.index, () => {
    const { index, suggested } = column;
    if (choice === 'email' || choice === 'name' || choice === 'skip') return { index, target: choice };
    if (choice === 'new') {
      const taken = new Set([...fields.map((field) => field.name), ...draft.columns.map((one) => one.attribute)]);
      const wanted = attributeName(column.header, index);
      let attribute = wanted;
      for (let n = 2; taken.has(attribute); n++) attribute = `${wanted}_${n}`;
      return { index, target: 'attribute', attribute, ...typeOf(suggested) };
    }
    const attribute = choice.slice('field:'.length);
    const type = fields.find((field) => field.name === attribute)?.type ?? 'text';
    return { index, target: 'attribute', attribute, type, date_order: suggested?.date_order ?? '' };
  });
}

/** Changes the column of the mapping that stands for a column of the file. */
export function change(draft: MappingDraft, index: number, to: (now: ColumnMapping) => ColumnMapping): MappingDraft {
  return { ...draft, columns: draft.columns.map((one) => (one.index === index ? to(one) : one)) };
}

/** The type of the values of a column: that of the field when there is one, else what was chosen. */
export function typeOfColumn(mapped: ColumnMapping, fields: Field[]): FieldType {
  return fields.find((field) => field.name === mapped.attribute)?.type ?? (mapped.type || 'text');
}

export function isDated(type: FieldType): boolean {
  return type === 'date' || type === 'datetime';
}

/** What stands in the way of reading the rows; empty when nothing does. */
export function mappingProblems(draft: MappingDraft, columns: ImportColumn[], fields: Field[]): MappingProblem[] {
  const addresses = draft.columns.filter((one) => one.target === 'email');
  const problems: MappingProblem[] = addresses.length === 0 ? [{ code: 'noEmail' }] : [];
  for (const { index } of addresses.slice(1)) problems.push({ code: 'emailTwice', index });
  const seen = new Set<string>();
  for (const mapped of draft.columns) {
    if (mapped.target !== 'attribute') continue;
    const { index } = mapped;
    const attribute = mapped.attribute?.trim() ?? '';
    if (!attribute) problems.push({ code: 'fieldEmpty', index });
    else if (!/^[\p{L}\p{N}\p{M}_-]+$/u.test(attribute)) problems.push({ code: 'fieldName', index });
    else if (seen.has(attribute)) problems.push({ code: 'fieldTwice', index, attribute });
    seen.add(attribute);
    const samples = columns.find((column) => column.index === index)?.samples ?? [];
    const doubtful = samples.find(isAmbiguous);
    if (doubtful && isDated(typeOfColumn(mapped, fields)) && !mapped.date_order) {
      problems.push({ code: 'dateOrder', index, sample: doubtful });
    }
  }
  return problems;
}

/** Whether two mappings say the same of every column. */
export function sameColumns(a: ColumnMapping[], b: ColumnMapping[]): boolean {
  const text = (columns: ColumnMapping[]) =>
    columns
      .filter((one) => one.target !== 'skip')
      .map((one) => [one.index, one.target, one.attribute ?? '', one.type ?? '', one.date_order ?? ''].join(' '))
      .sort()
      .join('\n');
  return text(a) === text(b);
}
