// Text from the clipboard as a file: addresses in any of the ways that mail programs write them, or rows of a table.

export type Pasted = { kind: 'addresses' | 'table'; rows: number; file: File };

const ADDRESS = /^[^\s<>@,;]+@[^\s<>@,;]+$/;
const WITH_NAME = /^(?:"((?:[^"\\]|\\.)*)"|([^"<>]*?))\s*<([^\s<>]+@[^\s<>]+)>$/;

type Person = { email: string; name: string };

/** Reads what was pasted; null when there is nothing that could be a person. */
export function readPasted(text: string): Pasted | null {
  if (!text.includes('@')) return null;
  const people = addressesOf(text);
  if (people) {
    const named = people.some((person) => person.name);
    const rows = people.map(({ email, name }) => (named ? `${quote(email)},${quote(name)}` : quote(email)));
    return made('addresses', people.length, [named ? 'Email,Name' : 'Email', ...rows].join('\n'), 'csv');
  }
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  return made('table', lines.length, `${lines.join('\n')}\n`, text.includes('\t') ? 'tsv' : 'csv');
}

function made(kind: Pasted['kind'], rows: number, text: string, ending: 'csv' | 'tsv'): Pasted {
  return { kind, rows, file: new File([text], `pasted.${ending}`, { type: 'text/plain' }) };
}

/** The people when the text is nothing but addresses; a lonely line without one is kept, so that the server says what is wrong with it. */
function addressesOf(text: string): Person[] | null {
  const people: Person[] = [];
  for (const line of text.split(/\r?\n/)) {
    const parts = partsOf(line);
    for (const part of parts) {
      const person = personOf(part);
      if (!person && (parts.length > 1 || part.includes('\t'))) return null;
      people.push(person ?? { email: part, name: '' });
    }
  }
  return people;
}

function personOf(part: string): Person | null {
  if (ADDRESS.test(part)) return { email: part, name: '' };
  const [, quoted, plain, email] = WITH_NAME.exec(part) ?? [];
  return email ? { email, name: (quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '').trim() } : null;
}

/** Splits at commas and semicolons that are not inside quotes. */
function partsOf(line: string): string[] {
  const parts = line.match(/(?:"(?:[^"\\]|\\.)*"|[^,;"]|")+/g) ?? [];
  return parts.map((part) => part.trim()).filter(Boolean);
}

function quote(value: string): string {
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
