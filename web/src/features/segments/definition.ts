import type { SegmentField } from '@/api/types';

// What the builder edits: the definition of the API as a tree, in which each part has an id so that editors keep their focus.

export type GroupKind = 'all' | 'any' | 'none';
export type Value = string | number | boolean;
export type Condition = {
  type: ConditionType;
  field?: string;
  event?: 'sent' | 'opened' | 'clicked' | 'not_opened';
  op?: string;
  value?: Value;
  values?: Value[];
  days?: number;
  at_least?: number;
  list_id?: number;
  campaign_id?: number;
  link?: number;
  import_id?: number;
  form_id?: number;
  segment_id?: number;
  status?: 'subscribed' | 'unconfirmed' | 'unsubscribed' | 'any';
  source?: string;
  reason?: 'bounce' | 'complaint' | 'unsubscribe' | 'manual';
  wish?: 'paused' | 'weekly' | 'monthly' | 'no_tracking';
  how?: 'brought' | 'touched';
};
export const conditionTypes = [
  'email',
  'name',
  'list',
  'consent',
  'created',
  'activity',
  'bounce',
  'suppressed',
  'wish',
  'import',
  'segment',
] as const;
export type ConditionType = (typeof conditionTypes)[number] | 'field';
export type GroupNode = { id: number; group: GroupKind; children: TreeNode[] };
export type ConditionNode = { id: number; condition: Condition };
export type TreeNode = GroupNode | ConditionNode;

/** Groups within groups that the server takes. */
export const MAX_DEPTH = 8;

let last = 0;
const nextId = () => ++last;

export const isGroup = (node: TreeNode): node is GroupNode => 'group' in node;
export const newGroup = (group: GroupKind, children: TreeNode[] = []): GroupNode => ({ id: nextId(), group, children });
export const newCondition = (condition: Condition): ConditionNode => ({ id: nextId(), condition });

const kinds: GroupKind[] = ['all', 'any', 'none'];

/** Reads a definition of the API. The outermost part is always a group, so that there is somewhere to add to. */
export function fromDefinition(definition: object): GroupNode {
  const node = read(definition);
  return isGroup(node) ? node : newGroup('all', [node]);
}

function read(definition: object): TreeNode {
  for (const kind of kinds) {
    const children = (definition as Partial<Record<GroupKind, object[]>>)[kind];
    if (children) return newGroup(kind, children.map(read));
  }
  return newCondition(definition as Condition);
}

export function toDefinition(node: TreeNode): Record<string, unknown> {
  return isGroup(node) ? { [node.group]: node.children.map(toDefinition) } : { ...node.condition };
}

const valueOps = ['is', 'is_not', 'contains', 'not_contains', 'starts_with', 'ends_with', 'domain'];
const comparing = ['lt', 'le', 'gt', 'ge', 'before', 'after', 'on'];
const listing = ['is_any', 'contains_any', 'contains_all', 'contains_none'];
const counting = ['in_last', 'in_next', 'anniversary'];

/** What an operator takes. */
export function operandOf(op: string | undefined): 'value' | 'values' | 'between' | 'days' | 'none' {
  if (op === undefined) return 'none';
  if (valueOps.includes(op) || comparing.includes(op)) return 'value';
  if (listing.includes(op)) return 'values';
  if (counting.includes(op)) return 'days';
  return op === 'between' ? 'between' : 'none';
}

const text = ['is', 'is_not', 'is_any', 'contains', 'not_contains', 'starts_with', 'ends_with'];
const filled = ['is_empty', 'is_not_empty'];
const moment = ['in_last', 'on', 'before', 'after', 'between'];
const opsOfField: Record<SegmentField['type'], string[]> = {
  text: [...text, ...filled],
  number: ['is', 'is_not', 'lt', 'le', 'gt', 'ge', 'between', ...filled],
  boolean: ['is', 'is_not', ...filled],
  date: ['on', 'before', 'after', 'between', 'in_last', 'in_next', 'anniversary', ...filled],
  datetime: ['in_last', 'in_next', 'on', 'before', 'after', 'between', ...filled],
  list: ['contains_any', 'contains_all', 'contains_none', ...filled],
};

/** The kind of value that a condition compares with. */
export function valueType(condition: Condition, fields: SegmentField[]): SegmentField['type'] {
  switch (condition.type) {
    case 'field':
      return fields.find((field) => field.name === condition.field)?.type ?? 'text';
    case 'created':
    case 'consent':
      return 'datetime';
    default:
      return 'text';
  }
}

/** The operators among which a condition has one. */
export function opsOf(condition: Condition, fields: SegmentField[]): string[] {
  switch (condition.type) {
    case 'email':
      return ['contains', 'domain', ...text.filter((op) => op !== 'contains')];
    case 'name':
      return [...text, ...filled];
    case 'field':
      return opsOfField[valueType(condition, fields)];
    case 'created':
    case 'consent':
      return moment;
    case 'list':
      return ['is', 'is_not'];
    default:
      return [];
  }
}

/** What a condition is about, as one choice: "field:city", "activity". */
export const subjectOf = (condition: Condition) =>
  condition.type === 'field' ? `field:${condition.field}` : condition.type;

/** A condition about a subject, as far as it can be filled in by itself. */
export function conditionAbout(subject: string, fields: SegmentField[]): Condition {
  if (subject.startsWith('field:')) {
    const condition: Condition = { type: 'field', field: subject.slice('field:'.length) };
    return withOp(condition, opsOf(condition, fields)[0], fields);
  }
  const type = subject as ConditionType;
  switch (type) {
    case 'list':
      return { type, op: 'is', status: 'subscribed' };
    case 'consent':
    case 'created':
      return { type, op: 'in_last', days: 30 };
    case 'activity':
      return { type, event: 'opened', days: 30 };
    case 'bounce':
      return { type, days: 30 };
    case 'wish':
      return { type, wish: 'paused' };
    case 'import':
      return { type, how: 'brought' };
    case 'email':
      return { type, op: 'contains' };
    case 'name':
      return { type, op: 'is' };
    default:
      return { type };
  }
}

/** The condition with another operator. Its value stays when the new one takes such a one too. */
export function withOp(condition: Condition, op: string | undefined, fields: SegmentField[]): Condition {
  const { value, values, days, op: _, ...rest } = condition;
  if (op === undefined) return rest;
  const next: Condition = { ...rest, op };
  switch (operandOf(op)) {
    case 'value':
      if (value !== undefined) next.value = value;
      else if (valueType(condition, fields) === 'boolean') next.value = true;
      break;
    case 'values':
      next.values = values ?? (typeof value === 'string' && value !== '' ? [value] : []);
      break;
    case 'between':
      next.values = values?.length === 2 ? values : [];
      break;
    case 'days':
      next.days = days ?? (op === 'anniversary' ? 7 : 30);
      break;
  }
  return next;
}

/** Whether there is nothing left to fill in, so that the server can be asked. */
export function isComplete(node: TreeNode): boolean {
  if (isGroup(node)) return node.children.length > 0 && node.children.every(isComplete);
  const { condition } = node;
  const has = (value: Value | undefined) => value !== undefined && value !== '';
  switch (operandOf(condition.op)) {
    case 'value':
      if (condition.type !== 'list' && !has(condition.value)) return false;
      break;
    case 'values':
      if (!condition.values?.length) return false;
      break;
    case 'between':
      if (condition.values?.length !== 2 || !condition.values.every(has)) return false;
      break;
    case 'days':
      if (condition.days === undefined) return false;
      break;
  }
  switch (condition.type) {
    case 'list':
      return condition.list_id !== undefined;
    case 'import':
      return condition.import_id !== undefined;
    case 'segment':
      return condition.segment_id !== undefined;
    case 'consent':
      return Boolean(condition.op || condition.list_id || condition.source || condition.import_id || condition.form_id);
    case 'activity':
      return condition.event !== 'not_opened' || Boolean(condition.days || condition.campaign_id);
    default:
      return true;
  }
}
