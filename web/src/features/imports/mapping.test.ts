import { describe, expect, it } from 'vitest';
import { uploaded } from '@/test/fixtures';
import { attributeName, initialMapping, mappingProblems, rename, retarget, suggestedMapping } from './mapping';

const columns = uploaded.columns;
const column = (index: number) => {
  const found = columns[index];
  if (!found) throw new Error(`no column ${index}`);
  return found;
};

describe('attributeName', () => {
  it.each([
    ['First Name (GB)', 'first_name_gb'],
    ['Straße', 'straße'],
    ['Prénom', 'prenom'],
    ['***', 'column_3'],
  ])('%s', (header, name) => expect(attributeName(header, 2)).toBe(name));
});

describe('suggestedMapping', () => {
  it('follows the server', () => {
    expect(suggestedMapping(columns)).toEqual([
      { index: 0, target: 'email' },
      { index: 1, target: 'name' },
      { index: 2, target: 'attribute', attribute: 'city' },
      { index: 3, target: 'skip' },
    ]);
  });

  it('keeps a second email column as an attribute, and names apart', () => {
    const twice = [0, 1, 2].map((index) => ({
      index,
      header: 'Mail',
      samples: [],
      suggested: { target: 'email' as const, attribute: '', type: '' as const, date_order: '' as const },
    }));
    expect(suggestedMapping(twice)).toEqual([
      { index: 0, target: 'email' },
      { index: 1, target: 'attribute', attribute: 'mail' },
      { index: 2, target: 'attribute', attribute: 'mail_2' },
    ]);
  });
});

describe('mappingProblems', () => {
  const start = initialMapping(uploaded);

  it('finds none in the suggestion', () => expect(mappingProblems(start)).toEqual([]));

  it('wants an email column', () => {
    expect(mappingProblems(retarget(start, column(0), 'skip'))).toEqual([{ code: 'noEmail' }]);
  });

  it('refuses two email columns', () => {
    expect(mappingProblems(retarget(start, column(3), 'email'))).toEqual([{ code: 'twice', target: 'email' }]);
  });

  it('refuses an attribute without a name, and one that exists twice', () => {
    const both = retarget(start, column(3), 'attribute');
    expect(mappingProblems(rename(both, 3, ' '))).toEqual([{ code: 'attributeEmpty', index: 3 }]);
    expect(mappingProblems(rename(both, 3, 'city'))).toEqual([{ code: 'attributeTwice', index: 3, attribute: 'city' }]);
  });
});
