import { describe, expect, it } from 'vitest';
import { checked, fields, uploaded } from '@/test/fixtures';
import {
  attributeName,
  change,
  choiceOf,
  choose,
  initialMapping,
  type MappingDraft,
  mappingProblems,
  suggestedColumns,
} from './mapping';

const { columns } = uploaded;
const column = (index: number) => {
  const found = columns[index];
  if (!found) throw new Error(`no column ${index}`);
  return found;
};
const problems = (draft: MappingDraft) => mappingProblems(draft, columns, fields);
/** The suggestion with the order of dates chosen, so that nothing is in the way. */
const good = change(initialMapping(uploaded), 3, (now) => ({ ...now, date_order: 'dmy' }));

describe('attributeName', () => {
  it.each([
    ['First Name (GB)', 'first_name_gb'],
    ['Straße', 'straße'],
    ['Prénom', 'prenom'],
    ['***', 'column_3'],
  ])('%s', (header, name) => expect(attributeName(header, 2)).toBe(name));
});

describe('suggestedColumns', () => {
  it('follows the server', () => {
    expect(suggestedColumns(columns)).toEqual([
      { index: 0, target: 'email' },
      { index: 1, target: 'name' },
      { index: 2, target: 'attribute', attribute: 'city', type: 'text', date_order: '' },
      { index: 3, target: 'attribute', attribute: 'customer_since', type: 'date', date_order: '' },
      { index: 4, target: 'skip' },
    ]);
  });

  it('keeps a second column of addresses as a field, and names apart', () => {
    const suggested = { target: 'email' as const };
    const twice = [0, 1, 2].map((index) => ({ index, header: 'Mail', samples: [], suggested }));
    expect(suggestedColumns(twice)).toMatchObject([
      { index: 0, target: 'email' },
      { index: 1, target: 'attribute', attribute: 'mail' },
      { index: 2, target: 'attribute', attribute: 'mail_2' },
    ]);
  });

  it('leaves several parts of a name as the name', () => {
    const suggested = { target: 'name' as const };
    const parts = [0, 1].map((index) => ({ index, header: 'Name', samples: [], suggested }));
    expect(suggestedColumns(parts).map((one) => one.target)).toEqual(['name', 'name']);
  });
});

describe('initialMapping', () => {
  it('says nothing of consent by itself', () => expect(initialMapping(uploaded).status).toBeNull());
  it('goes on from what was checked', () => expect(initialMapping(checked)).toEqual(checked.check?.mapping));
});

describe('choose', () => {
  it('takes the type of a field that exists', () => {
    const draft = choose(good, column(4), 'field:vip', fields);
    expect(draft.columns[4]).toMatchObject({ target: 'attribute', attribute: 'vip', type: 'boolean' });
    expect(choiceOf(draft.columns[4], fields)).toBe('field:vip');
  });

  it('names a new field apart from those that there are', () => {
    const draft = choose(good, { ...column(4), header: 'City' }, 'new', fields);
    expect(draft.columns[4]).toMatchObject({ target: 'attribute', attribute: 'city_2', type: 'text' });
    expect(choiceOf(draft.columns[4], fields)).toBe('new');
  });
});

describe('mappingProblems', () => {
  it('finds none in a good mapping', () => expect(problems(good)).toEqual([]));

  it('wants a column of addresses', () => {
    expect(problems(choose(good, column(0), 'skip', fields))).toEqual([{ code: 'noEmail' }]);
  });

  it('points at the second column of addresses', () => {
    expect(problems(choose(good, column(4), 'email', fields))).toEqual([{ code: 'emailTwice', index: 4 }]);
  });

  it.each([
    [' ', { code: 'fieldEmpty', index: 4 }],
    ['a b', { code: 'fieldName', index: 4 }],
    ['city', { code: 'fieldTwice', index: 4, attribute: 'city' }],
  ])('refuses the field name "%s"', (attribute, problem) => {
    const draft = change(choose(good, column(4), 'new', fields), 4, (now) => ({ ...now, attribute }));
    expect(problems(draft)).toEqual([problem]);
  });

  it('asks for the order of dates only where it matters', () => {
    const order = { code: 'dateOrder', index: 3, sample: '03/04/2025' };
    expect(problems(initialMapping(uploaded))).toEqual([order]);
    const asText = change(initialMapping(uploaded), 3, (now) => ({ ...now, type: 'text' }));
    expect(problems(asText)).toEqual([]);
  });
});
