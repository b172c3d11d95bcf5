import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'people' });
test.describe.configure({ mode: 'serial' });

const PEOPLE = 6;
let page: Page;

test.beforeAll(async ({ browser, service }) => {
  page = await (await browser.newContext({ baseURL: service.url })).newPage();
  await prepareMailing(page, PEOPLE);
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(`/api/v1${path}`, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  };
  await post('/lists', { name: 'Offers' });
  await post('/subscribers', { email: 'left@example.net', list_ids: [2], status: 'unsubscribed' });
  await post('/suppressions', { email: 'person6@example.net', reason: 'complaint', detail: 'called it spam' });
});

test.afterAll(() => page.context().close());

/** How many people are on the list Offers. */
async function onOffers(): Promise<number> {
  return (await (await page.request.get('/api/v1/lists/2')).json()).counts.subscribed;
}

test('a field is made, filled in, and refuses a type that its values do not have', async () => {
  await page.goto('/fields');
  await page.getByRole('button', { name: 'New field' }).click();
  await page.getByLabel('Name').fill('visits');
  await page.getByLabel('Label').fill('Number of visits');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('cell', { name: 'Number of visits' })).toBeVisible();

  await page.goto('/subscribers/1');
  await page.getByLabel('Number of visits').fill('often');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();

  await page.goto('/fields');
  await page.getByRole('button', { name: 'Edit visits' }).click();
  await page.getByRole('dialog').getByRole('combobox', { name: 'Type' }).click();
  await page.getByRole('option', { name: 'Number', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('"often"')).toBeVisible();
  await expectAccessible(page);
});

test('many people are subscribed, whoever left is passed over, and it is taken back', async () => {
  await page.goto('/subscribers');
  await page.getByRole('button', { name: 'Select this page' }).click();
  await expect(page.getByText(`${PEOPLE + 1} selected`)).toBeVisible();
  await page.getByRole('button', { name: 'Do something with them' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'List' }).click();
  await page.getByRole('option', { name: 'Offers' }).click();
  await expect(dialog.getByText(`This is about ${PEOPLE + 1} people`)).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: `Do it for ${PEOPLE + 1} people` }).click();

  await expect(page.getByRole('heading', { name: 'Subscribed to Offers' })).toBeVisible();
  await expect(page.getByText('Done', { exact: true })).toBeVisible();
  const passed = page.getByRole('table', { name: 'Passed over' });
  await expect(passed.getByRole('row').filter({ hasText: 'left@example.net' })).toContainText('Left the list');
  await expect(passed.getByRole('row').filter({ hasText: 'person6@example.net' })).toContainText('suppressed');
  expect(await onOffers()).toBe(PEOPLE - 1);
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Take it back' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take it back' }).click();
  await expect(page.getByText('Taken back', { exact: true }).first()).toBeVisible();
  await expect.poll(onOffers).toBe(0);
});

test('a complaint is lifted only with a note, which the log keeps', async () => {
  await page.goto('/subscribers/6');
  await expect(page.getByText('Not mailed: Complained')).toBeVisible();
  await page.getByRole('button', { name: 'Allow mail again' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('told their mail provider that your mail is spam')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Allow mail again' })).toBeDisabled();
  await dialog.getByLabel('Why may it be mailed again?').fill('They asked by letter');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Allow mail again' }).click();
  await expect(page.getByText('Not mailed: Complained')).toHaveCount(0);
  await page.goto('/suppressions?tab=log');
  const lifted = page.getByRole('row').filter({ hasText: 'Lifted' });
  await expect(lifted).toContainText('person6@example.net');
  await expect(lifted).toContainText('They asked by letter');
});

test('suppressions come from a file, domains too, and what is wrong in it is named', async () => {
  await page.goto('/suppressions');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('input[type=file]').setInputFiles({
    name: 'old.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('a@x.example\n@y.example\nnonsense\n'),
  });
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(dialog.getByText('3 rows were read')).toBeVisible();
  await expect(dialog.getByText('Line 3: nonsense')).toBeVisible();
  await dialog.getByRole('button', { name: 'Close', exact: true }).last().click();
  await page.getByRole('switch', { name: 'Only domains' }).check();
  await expect(page.getByRole('row').filter({ hasText: '@y.example' })).toBeVisible();
  await expect(page.getByRole('row').filter({ hasText: 'a@x.example' })).toHaveCount(0);
});

test('a person is erased for good, and cannot be added again', async () => {
  await page.goto('/subscribers/2');
  await expect(page.getByText('Became known')).toBeVisible();
  await page.getByRole('button', { name: 'Erase for good…' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: 'Erase for good' })).toBeDisabled();
  await dialog.getByLabel('Type the address to confirm').fill('person2@example.net');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Erase for good' }).click();
  await expect(page.getByText('The person was erased')).toBeVisible();
  await expect(page.getByRole('link', { name: 'person1@example.net' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'person2@example.net' })).toHaveCount(0);
  const again = await page.request.post('/api/v1/subscribers', { data: { email: 'Person2@example.net' } });
  expect(again.status()).toBe(409);
  expect(await again.text()).toContain('erased');
});
