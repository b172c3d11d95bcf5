import { describe, expect, it } from 'vitest';
import type { SegmentField } from '@/api/types';
import {
  type Condition,
  conditionAbout,
  conditionTypes,
  fromDefinition,
  isComplete,
  newCondition,
  newGroup,
  opsOf,
  toDefinition,
  withOp,
} from './definition';

const fields: SegmentField[] = (['text', 'number', 'boolean', 'date', 'datetime', 'list'] as const).map((type) => ({
  name: `a_${type}`,
  label: '',
  type,
}));

describe('definitions', () => {
  it('come back as they were read', () => {
    const definition = {
      any: [
        { type: 'field', field: 'city', op: 'is', value: 'Berlin' },
        { none: [{ all: [{ type: 'wish', wish: 'weekly' }] }] },
      ],
    };
    expect(toDefinition(fromDefinition(definition))).toEqual(definition);
  });

  it('are groups outside, whatever they were', () => {
    expect(toDefinition(fromDefinition({ type: 'bounce' }))).toEqual({ all: [{ type: 'bounce' }] });
  });

  it('are complete when nothing is open', () => {
    const group = (condition: Condition) => newGroup('all', [newCondition(condition)]);
    expect(isComplete(newGroup('all'))).toBe(false);
    for (const open of [
      { type: 'email', op: 'is' },
      { type: 'email', op: 'is', value: '' },
      { type: 'name', op: 'is_any', values: [] },
      { type: 'created', op: 'between', values: ['2026-01-01', ''] },
      { type: 'created', op: 'in_last' },
      { type: 'list', op: 'is' },
      { type: 'segment' },
      { type: 'consent' },
      { type: 'activity', event: 'not_opened' },
    ] as Condition[]) {
      expect(isComplete(group(open)), JSON.stringify(open)).toBe(false);
    }
    for (const done of [
      { type: 'field', field: 'vip', op: 'is', value: false },
      { type: 'field', field: 'age', op: 'is', value: 0 },
      { type: 'name', op: 'is_empty' },
      { type: 'list', op: 'is', list_id: 1 },
      { type: 'consent', source: 'form' },
      { type: 'activity', event: 'not_opened', days: 30 },
      { type: 'bounce' },
    ] as Condition[]) {
      expect(isComplete(group(done)), JSON.stringify(done)).toBe(true);
    }
  });
});

describe('conditions', () => {
  it('begin with an operator of their type', () => {
    for (const subject of [...conditionTypes, ...fields.map((field) => `field:${field.name}`)]) {
      const condition = conditionAbout(subject, fields);
      if (condition.op) expect(opsOf(condition, fields), subject).toContain(condition.op);
    }
  });

  it('have with another operator only what it takes', () => {
    const text: Condition = { type: 'field', field: 'a_text', op: 'is', value: 'Berlin' };
    expect(withOp(text, 'contains', fields)).toEqual({ ...text, op: 'contains' });
    expect(withOp(text, 'is_any', fields)).toEqual({
      type: 'field',
      field: 'a_text',
      op: 'is_any',
      values: ['Berlin'],
    });
    expect(withOp(text, 'is_empty', fields)).toEqual({ type: 'field', field: 'a_text', op: 'is_empty' });
    expect(withOp({ type: 'created', op: 'in_last', days: 3 }, 'on', fields)).toEqual({ type: 'created', op: 'on' });
    expect(withOp({ type: 'consent', list_id: 1, op: 'in_last', days: 3 }, undefined, fields)).toEqual({
      type: 'consent',
      list_id: 1,
    });
  });
});
