import { readFileSync } from 'node:fs';
import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { owner, test } from './service';

test.use({ instance: 'imports' });

const WORDS = 'Signed a list at our stand';

/** A file as an old spreadsheet writes it: Windows-1252, semicolons, dates that could be read in two ways, and rows that cannot be used. */
const rows = [
  'Kunde;E-Mail;Ort;Kunde seit',
  'Jürgen Müller;juergen@example.org;Köln;03/04/2025',
  'Ada Lovelace;ada@example.org;London;13/02/2025',
  'Grace Hopper;grace@example.org;New York;05/06/2024',
  'Was there;known@example.org;Porto;01/02/2024',
  'Went away;gone@example.org;Lisbon;01/02/2024',
  'Bounced;bounced@example.org;Lisbon;01/02/2024',
  'Broken;broken.example.org;Lisbon;01/02/2024',
  'Nobody;;Lisbon;01/02/2024',
];
const file = Buffer.from(`${rows.join('\r\n')}\r\n`, 'latin1');

type Person = {
  id: number;
  email: string;
  name: string;
  attributes: Record<string, unknown>;
  subscriptions: { list_id: number; status: string }[];
};

test('an import from the upload to the undo', async ({ page }) => {
  await prepare(page);
  const before = await people(page);
  await upload(page);
  await columns(page);
  await check(page);
  await mendAndCheckAgain(page);
  await start(page);
  await look(page);
  await errorFile(page);
  await undo(page);

  const after = await people(page);
  expect(after.map((person) => person.email)).toEqual(['ada@example.org', ...before.map((person) => person.email)]);
  // Who was known has everything as before; who had left is still away.
  for (const person of before) {
    expect(after.find((one) => one.email === person.email)).toMatchObject({
      name: person.name,
      attributes: person.attributes,
      subscriptions: person.subscriptions.map(({ list_id, status }) => ({ list_id, status })),
    });
  }
});

async function call<T>(page: Page, method: 'get' | 'post' | 'put', path: string, data?: object): Promise<T> {
  const answer = await page.request[method](`/api/v1${path}`, data ? { data } : {});
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  return (await answer.json()) as T;
}

async function people(page: Page): Promise<Person[]> {
  const { items } = await call<{ items: Person[] }>(page, 'get', '/subscribers?limit=200');
  return items.sort((a, b) => a.email.localeCompare(b.email));
}

/** A list with one person who stays, one who left, and one whose address is never mailed. */
async function prepare(page: Page) {
  await page.goto('/');
  await call(page, 'post', '/setup', owner);
  await call(page, 'post', '/lists', { name: 'Readers' });
  const known = { email: 'known@example.org', name: 'Was there', attributes: { city: 'Lisbon' }, list_ids: [1] };
  await call(page, 'post', '/subscribers', known);
  const gone = { email: 'gone@example.org', name: 'Went away', list_ids: [1], status: 'unsubscribed' };
  await call(page, 'post', '/subscribers', gone);
  await call(page, 'post', '/suppressions', { email: 'bounced@example.org', detail: 'asked by phone' });
}

async function upload(page: Page) {
  await page.goto('/imports');
  await expect(page.getByText('Nobody imported yet')).toBeVisible();
  await good(page);
  await page.getByRole('link', { name: 'Import people' }).first().click();

  // What cannot be a list is refused before it is sent.
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'old.xls', mimeType: 'application/vnd.ms-excel', buffer: Buffer.from('x') });
  await expect(page.getByText('Save as → Excel Workbook')).toBeVisible();
  await good(page);

  await page.locator('input[type=file]').setInputFiles({ name: 'kunden.csv', mimeType: 'text/csv', buffer: file });
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'What is in this file?' })).toBeVisible();
}

async function columns(page: Page) {
  const read = page.getByRole('region', { name: 'How the file was read' });
  await expect(read.getByText('Text in Windows-1252 (Western), 4 columns separated by semicolon')).toBeVisible();
  await expect(read.getByText('Jürgen Müller')).toBeVisible();

  // In a wrong encoding the letters are garbled, and the page says so.
  await read.getByRole('button', { name: 'Not right?' }).click();
  await read.getByRole('combobox', { name: 'Encoding' }).click();
  await page.getByRole('option', { name: 'Windows-1251 (Cyrillic)' }).click();
  await expect(read.getByRole('alert')).toContainText('Some letters look garbled');
  await good(page);
  await read.getByRole('button', { name: 'Try Windows-1252' }).click();
  await expect(read.getByText('Jürgen Müller')).toBeVisible();
  await expect(read.getByRole('alert')).toBeHidden();

  await choose(page, 'Kunde', 'Name');
  await choose(page, 'E-Mail', 'Email address');
  await choose(page, 'Ort', 'city (Text)');
  await choose(page, 'Kunde seit', 'New field');
  await page.getByRole('textbox', { name: 'Name of the new field for column Kunde seit' }).fill('customer_since');
  await page.getByRole('combobox', { name: 'Type of the new field for column Kunde seit' }).click();
  await page.getByRole('option', { name: 'Date', exact: true }).click();
  await order(page, 'Month first');
  await expect(page.getByText(/03\/04\/2025 is read as .*March/)).toBeVisible();
}

async function check(page: Page) {
  // Nobody is made a subscriber by leaving a question alone.
  await page.getByRole('button', { name: 'Check the whole file' }).click();
  await expect(page.getByText('Choose one: it decides who gets mail.')).toBeVisible();
  await page.getByRole('radio', { name: 'Yes, they agreed to get mail like this' }).check();
  await page.getByRole('button', { name: WORDS }).click();
  await good(page);
  await page.getByRole('button', { name: 'Check the whole file' }).click();

  // With the month first, the 13th is no month.
  await expect(page.getByRole('heading', { name: /would be imported into Readers/ })).toBeFocused();
  await page.getByRole('button', { name: /^Rejected 3/ }).click();
  const rejected = page.getByRole('table', { name: 'Rejected rows' });
  await expect(rejected.getByRole('row', { name: /Kunde seit 13\/02\/2025/ })).toBeVisible();
  await expect(rejected.getByRole('row', { name: /broken\.example\.org/ })).toBeVisible();
  await good(page);
  expect(await people(page)).toHaveLength(2);
}

async function mendAndCheckAgain(page: Page) {
  await page.getByRole('button', { name: 'Change the columns' }).click();
  await order(page, 'Day first');
  await page.getByRole('button', { name: 'Check the whole file' }).click();
  await expect(page.getByRole('button', { name: /^Rejected 2/ })).toBeVisible();
  await expect(page.getByRole('button', { name: /^New 4/ })).toBeVisible();

  await page.getByRole('button', { name: /^Changed/ }).click();
  const changed = page.getByRole('table', { name: 'What would change' });
  const row = changed.getByRole('row', { name: /known@example\.org/ });
  await expect(row).toContainText(/city: before: Lisbon\s*after: Porto/);

  await expect(page.getByText('Nobody who left comes back by an import: 1 person stays unsubscribed')).toBeVisible();
  await expect(page.getByText('1 person is on the suppression list')).toBeVisible();
  await page.getByRole('button', { name: 'Show: On the suppression list' }).click();
  await expect(page.getByRole('row', { name: /bounced@example\.org Added by hand/ })).toBeVisible();
  await good(page);

  // A check stores nothing, however often it is done.
  expect(await people(page)).toHaveLength(2);
  await expect(page.getByText(`How they agreed: “${WORDS}”`)).toBeVisible();
}

async function start(page: Page) {
  await page.getByRole('button', { name: /^Import \d people into Readers$/ }).click();
  await expect(page.getByRole('heading', { name: /were imported into Readers/ })).toBeVisible();
  await good(page);
  const job = await call<Record<string, unknown>>(page, 'get', '/imports/1');
  expect(job).toMatchObject({
    status: 'done',
    created: 4,
    rejected: 2,
    suppressed: 1,
    unsubscribed: 1,
    consent: WORDS,
  });
}

async function look(page: Page) {
  const all = await people(page);
  const find = (email: string) => all.find((person) => person.email === email);
  expect(find('juergen@example.org')).toMatchObject({
    name: 'Jürgen Müller',
    attributes: { city: 'Köln', customer_since: '2025-04-03' },
    subscriptions: [{ list_id: 1, status: 'subscribed' }],
  });
  expect(find('known@example.org')?.attributes).toMatchObject({ city: 'Porto' });
  expect(find('gone@example.org')?.subscriptions).toMatchObject([{ list_id: 1, status: 'unsubscribed' }]);
}

async function errorFile(page: Page) {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download errors' }).click(),
  ]);
  const text = readFileSync(await download.path(), 'utf8');
  expect(text).toContain('broken.example.org');
  expect(text).toContain('Kunde seit');
  expect(text).not.toContain('juergen@example.org');
}

async function undo(page: Page) {
  // Somebody is put on another list in the meantime, so they are not the import's alone any more.
  await call(page, 'post', '/lists', { name: 'Friends' });
  const ada = (await people(page)).find((person) => person.email === 'ada@example.org');
  await call(page, 'put', `/subscribers/${ada?.id}/subscriptions/2`, { status: 'subscribed' });

  await page.getByRole('button', { name: 'Undo this import' }).click();
  const dialog = page.getByRole('dialog', { name: 'Undo the import of kunden.csv?' });
  await expect(dialog.getByText('The 4 people who came with it are removed.')).toBeVisible();
  await good(page);
  await dialog.getByRole('button', { name: /^Undo for \d people$/ }).click();
  await expect(page.getByRole('heading', { name: 'The import was undone' })).toBeVisible();
  const kept = page.getByRole('table', { name: 'What was kept' });
  await expect(kept.getByRole('row', { name: /ada@example\.org The whole person/ })).toBeVisible();
  await good(page);
  const job = await call<{ status: string; undo: object }>(page, 'get', '/imports/1');
  expect(job).toMatchObject({ status: 'undone', undo: { removed: 3, kept: 1 } });
  await page.goto('/imports');
  await expect(page.getByRole('row', { name: /kunden\.csv.*Undone.*Had been: 4 new/ })).toBeVisible();
}

async function choose(page: Page, column: string, option: string) {
  const select = page.getByRole('combobox', { name: `What column ${column} becomes`, exact: true });
  await select.click();
  await page.getByRole('option', { name: option, exact: true }).click();
}

async function order(page: Page, name: string) {
  await page.getByRole('combobox', { name: 'How dates in Kunde seit are written' }).click();
  await page.getByRole('option', { name: new RegExp(name) }).click();
}

/** The page has no accessibility finding, and fits a phone. */
async function good(page: Page) {
  await expectAccessible(page, { seriousOnly: true });
  const size = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const wider = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(wider).toBeLessThanOrEqual(0);
  if (size) await page.setViewportSize(size);
}
