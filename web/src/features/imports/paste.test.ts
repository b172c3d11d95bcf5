import { describe, expect, it } from 'vitest';
import { readPasted } from './paste';

async function read(text: string) {
  const pasted = readPasted(text);
  return pasted && { kind: pasted.kind, rows: pasted.rows, name: pasted.file.name, text: await pasted.file.text() };
}

describe('readPasted', () => {
  it('takes addresses, one in a line', async () => {
    expect(await read('ada@example.org\n\n grace@example.org \n')).toEqual({
      kind: 'addresses',
      rows: 2,
      name: 'pasted.csv',
      text: 'Email\nada@example.org\ngrace@example.org',
    });
  });

  it('takes what a mail program copies, with names that hold commas', async () => {
    expect(await read('"Lovelace, Ada" <ada@example.org>; Grace Hopper <grace@example.org>, alan@example.org')).toEqual(
      {
        kind: 'addresses',
        rows: 3,
        name: 'pasted.csv',
        text: 'Email,Name\nada@example.org,"Lovelace, Ada"\ngrace@example.org,Grace Hopper\nalan@example.org,',
      },
    );
  });

  it('keeps a line that is no address, so that it is told why', async () => {
    expect(await read('ada@example.org\nbroken')).toMatchObject({ rows: 2, text: 'Email\nada@example.org\nbroken' });
  });

  it('leaves rows of a table as they are', async () => {
    expect(await read('Email,City\nada@example.org,London\n')).toEqual({
      kind: 'table',
      rows: 2,
      name: 'pasted.csv',
      text: 'Email,City\nada@example.org,London\n',
    });
  });

  it('knows rows copied from a spreadsheet by their tabs', async () => {
    expect(await read('ada@example.org\tLondon\ngrace@example.org\tNew York')).toMatchObject({
      kind: 'table',
      rows: 2,
      name: 'pasted.tsv',
    });
  });

  it('finds nobody in text without an address', async () => {
    expect(await read('')).toBeNull();
    expect(await read('Hello there')).toBeNull();
  });
});
