import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { acknowledgeAll, prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'segments' });
test.describe.configure({ mode: 'serial' });

const PEOPLE = 6;
let page: Page;

test.beforeAll(async ({ browser, service }) => {
  page = await (await browser.newContext({ baseURL: service.url })).newPage();
  await prepareMailing(page, PEOPLE);
  // Two people whom the segment does not mean, and one who had left.
  await page.request.put('/api/v1/subscribers/1/subscriptions/1', { data: { status: 'unsubscribed' } });
});

test.afterAll(async () => page.context().close());

test('a segment is built with the keyboard, and counted while that goes on', async () => {
  await page.goto('/segments');
  await page.getByRole('link', { name: 'New segment' }).first().click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Some persons');
  await page.getByRole('textbox', { name: 'Value' }).fill('PERSON');
  await expect(page.getByTestId('segment-count')).toHaveText(String(PEOPLE));
  await expect(page.getByText('The address contains PERSON.')).toBeVisible();

  // And none of: two more conditions in a group, chosen by keys alone.
  await page.getByRole('button', { name: 'Add a group' }).focus();
  await page.keyboard.press('Enter');
  const inner = page.getByRole('group', { name: 'At least one of these holds' });
  await inner.getByRole('combobox', { name: /How the conditions/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const none = page.getByRole('group', { name: 'None of these holds' });
  await none.getByRole('textbox', { name: 'Value' }).fill('person2@');
  await none.getByRole('button', { name: 'Add a condition' }).click();
  await expect(page.getByText('Fill in what is open')).toBeVisible();
  await none.getByRole('textbox', { name: 'Value' }).nth(1).fill('person3@');
  await expect(page.getByTestId('segment-count')).toHaveText(String(PEOPLE - 2));
  await expect(page.getByRole('link', { name: 'person4@example.net' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'person2@example.net' })).toBeHidden();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page).toHaveURL(/\/segments\/1$/);
});

test('it is listed with its sentence and count', async () => {
  await page.goto('/segments');
  const row = page.getByRole('row', { name: /Some persons/ });
  await expect(row).toContainText('none of (the address contains person2@; the address contains person3@)');
  await expect(row).toContainText(String(PEOPLE - 2));
  await expectAccessible(page);
});

test('a campaign goes to the segment, and the ledger says who is out and why', async () => {
  await page.goto('/campaigns/1');
  await expect(page.getByText(/Get it/)).toBeVisible();
  await page.getByRole('combobox', { name: 'Only people in these segments' }).click();
  await page.getByRole('option', { name: 'Some persons' }).click();
  await page.keyboard.press('Escape');
  await expect(page.getByText('In none of the chosen segments')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  await acknowledgeAll(page.getByRole('dialog'));
  await page.getByRole('button', { name: `Send to ${PEOPLE - 3} people` }).click();
  await expect(page.getByText(`${PEOPLE - 3} of ${PEOPLE - 3} done`)).toBeVisible();

  await page.getByRole('tab', { name: /Left out/ }).click();
  await expect(page.getByRole('region', { name: 'Whom it was for' })).toContainText('Some persons');
  await expect(page.getByRole('row', { name: /person1@.*Unsubscribed/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /person2@.*In none of the chosen segments/ })).toBeVisible();
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Why? person2@example.net' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('They were in none of the segments that the campaign is for.');
  await expect(dialog.getByText('The address contains person2@')).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Why did they get it, or not?' }).click();
  await dialog.getByRole('textbox', { name: 'Email address' }).fill('PERSON4@example.net');
  await page.keyboard.press('Enter');
  await expect(dialog.getByText('Got into it')).toBeVisible();
  await page.keyboard.press('Escape');

  const file = await (await page.request.get('/api/v1/campaigns/1/audience.csv')).text();
  expect(file).toMatch(/person3@example\.net,out,not_in_segment/);
  expect(file).toMatch(/person4@example\.net,in,,sent/);
});

test('a segment that a campaign is waiting to use is not deleted', async () => {
  await page.request.post('/api/v1/campaigns', { data: { name: 'Winter letter', list_ids: [1], segment_ids: [1] } });
  await page.goto('/segments/1');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Delete the segment' }).click();
  await expect(page.getByText(/“?"Winter letter"?”? \(draft\)/)).toBeVisible();
});

test('the builder fits on a phone', async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/segments/1');
  await expect(page.getByTestId('segment-count')).toBeVisible();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  expect(wide).toBe(false);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await expectAccessible(page);
});
