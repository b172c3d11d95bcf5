import type { ColumnMapping, ColumnTarget, Import, ImportColumn, ImportMapping } from '@/api/types';

export type MappingProblem =
  | { code: 'noEmail' }
  | { code: 'twice'; target: 'email' | 'name' }
  | { code: 'attributeEmpty'; index: number }
  | { code: 'attributeTwice'; index: number; attribute: string };

/** A header as the name of an attribute, fit for merge tags: "First Name (GB)" becomes "first_name_gb". */
export function attributeName(header: string, index: number): string {
  const name = header
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '');
  return name || `column_${index + 1}`;
}

/** What the server suggests, each target of a kind taken once, and every attribute with a name of its own. */
export function suggestedMapping(columns: ImportColumn[]): ColumnMapping[] {
  const taken = new Set<string>();
  const used = new Set<ColumnTarget>();
  return columns.map((column) => {
    const target = suggestedTarget(column, used);
    used.add(target);
    if (target !== 'attribute') return { index: column.index, target };
    let attribute = attributeName(column.header, column.index);
    for (let n = 2; taken.has(attribute); n++) attribute = `${attributeName(column.header, column.index)}_${n}`;
    taken.add(attribute);
    return { index: column.index, target, attribute };
  });
}

function suggestedTarget(column: ImportColumn, used: Set<ColumnTarget>): ColumnTarget {
  const target = column.suggested?.target;
  switch (target) {
    case 'email':
    case 'name':
      return used.has(target) ? 'attribute' : target;
    case 'attribute':
      return 'attribute';
    default:
      return 'skip';
  }
}

/** The mapping to begin with: the one that was used when there is one, else the suggestion. */
export function initialMapping(job: Import): ImportMapping {
  return job.mapping ?? { columns: suggestedMapping(job.columns), status: 'subscribed' };
}

/** Points one column at another target; an attribute gets a name made from the header. */
export function retarget(mapping: ImportMapping, column: ImportColumn, target: ColumnTarget): ImportMapping {
  return {
    ...mapping,
    columns: mapping.columns.map((one) => {
      if (one.index !== column.index) return one;
      if (target !== 'attribute') return { index: one.index, target };
      return { index: one.index, target, attribute: one.attribute ?? attributeName(column.header, column.index) };
    }),
  };
}

export function rename(mapping: ImportMapping, index: number, attribute: string): ImportMapping {
  return {
    ...mapping,
    columns: mapping.columns.map((one) => (one.index === index ? { ...one, attribute } : one)),
  };
}

/** What stands in the way of a start; empty when nothing does. */
export function mappingProblems({ columns }: ImportMapping): MappingProblem[] {
  const problems: MappingProblem[] = [];
  const count = (target: ColumnTarget) => columns.filter((column) => column.target === target).length;
  if (count('email') === 0) problems.push({ code: 'noEmail' });
  for (const target of ['email', 'name'] as const) {
    if (count(target) > 1) problems.push({ code: 'twice', target });
  }
  const seen = new Set<string>();
  for (const column of columns) {
    if (column.target !== 'attribute') continue;
    const attribute = column.attribute?.trim() ?? '';
    if (!attribute) problems.push({ code: 'attributeEmpty', index: column.index });
    else if (seen.has(attribute)) problems.push({ code: 'attributeTwice', index: column.index, attribute });
    seen.add(attribute);
  }
  return problems;
}
