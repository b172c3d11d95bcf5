import { expect, type Page } from '@playwright/test';
import { acknowledgeAll, prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'campaign-tests' });

const PEOPLE = 12;

test('stops everything, takes a start back, decides an A/B test, and sends again', async ({ page }) => {
  await prepareMailing(page, PEOPLE);
  await stopEverything(page);
  await undo(page);
  await writeTest(page);
  await decide(page);
  await sendAgain(page);
});

async function send(page: Page) {
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  await acknowledgeAll(page.getByRole('dialog'));
  await page.getByRole('button', { name: /^Send to \d+ people$/ }).click();
}

async function undoSeconds(page: Page, seconds: number) {
  await page.goto('/settings');
  await page.getByLabel('Time to undo').fill(String(seconds));
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('Saved', { exact: true }).first()).toBeVisible();
}

async function inboxTotal(page: Page): Promise<number> {
  const answer = await page.request.get('/api/v1/inbox/messages');
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()).items.length;
}

async function stopEverything(page: Page) {
  await page.goto('/campaigns/1');
  await page.getByRole('button', { name: 'Stop all sending…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Stop all sending?' });
  await dialog.getByLabel('Reason').fill('wrong list');
  await dialog.getByRole('button', { name: 'Stop all sending' }).click();
  const banner = page.getByRole('alert', { name: 'All sending is stopped' });
  await expect(banner).toContainText('Stopped by ada@example.org');
  await expect(banner).toContainText('wrong list');

  // A start says who stopped it, and nothing goes out.
  await send(page);
  await expect(page.getByRole('dialog').getByRole('alert').filter({ hasText: 'wrong list' })).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  expect(await inboxTotal(page)).toBe(0);

  await page.goto('/lists');
  await banner.getByRole('button', { name: 'Resume…' }).click();
  await page.getByRole('button', { name: 'Resume sending' }).click();
  await expect(banner).toBeHidden();
  await expect(page.getByRole('button', { name: 'Stop all sending…' })).toBeVisible();
}

async function undo(page: Page) {
  await undoSeconds(page, 300);
  await page.goto('/campaigns/1');
  await send(page);
  await expect(page.getByText(/^Begins in \d/)).toBeVisible();
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect(page.getByText('Taken back: it is a draft again')).toBeVisible();
  await expect(page.getByText('Draft', { exact: true })).toBeVisible();
  expect(await inboxTotal(page)).toBe(0);
  await undoSeconds(page, 0);
}

async function writeTest(page: Page) {
  await page.goto('/campaigns/1?tab=ab');
  await page.getByRole('button', { name: 'Add an A/B test' }).click();
  const b = page.getByRole('region', { name: 'Variant B' });
  await b.getByLabel('Subject').fill('Apples, pears, plums');
  await b.getByRole('button', { name: 'Preview' }).click();
  const dialog = page.getByRole('dialog', { name: 'Variant B' });
  await expect(dialog.getByText('Apples, pears, plums').first()).toBeVisible();
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  await page.getByLabel('People in the test').fill('50');
  await page.getByRole('combobox', { name: 'The winner has most' }).click();
  await page.getByRole('option', { name: 'Opens' }).click();
  await page.getByLabel('Least delivered mails of each variant').fill('1');
  await page.getByRole('radio', { name: 'Nothing before I choose' }).check();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('Saved', { exact: true }).first()).toBeVisible();
}

async function decide(page: Page) {
  await send(page);
  await page.getByRole('tab', { name: 'A/B test' }).click();
  await expect(page.getByText('The test is running')).toBeVisible();
  await expect(page.getByRole('table', { name: 'Figures of the test' }).getByRole('row')).toHaveCount(3);
  const sampled = await inboxTotal(page);
  expect(sampled).toBeGreaterThan(0);
  expect(sampled).toBeLessThan(PEOPLE);

  await page.getByRole('button', { name: 'Send B', exact: true }).click();
  await page.getByRole('button', { name: /^Send B to \d+ (person|people)$/ }).click();
  await expect(page.getByText('Variant B was chosen')).toBeVisible();
  await expect(page.getByText('ada@example.org chose variant B')).toBeVisible();
  await expect(page.getByText(`${PEOPLE} of ${PEOPLE} done`)).toBeVisible();
  await expect.poll(() => inboxTotal(page)).toBe(PEOPLE);

  await page.getByRole('tab', { name: /^Deliveries/ }).click();
  const table = page.getByRole('table', { name: 'Deliveries' });
  await expect(table.getByRole('columnheader', { name: 'Variant' })).toBeVisible();
  await expect(table.getByRole('cell', { name: 'B', exact: true }).first()).toBeVisible();
}

async function sendAgain(page: Page) {
  await page.getByRole('button', { name: 'Send again…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Send “Autumn letter” again' });
  await dialog.getByRole('checkbox', { name: /^got it and did not open it/ }).check();
  await dialog.getByLabel('Subject').fill('Did you see this?');
  await dialog.getByRole('button', { name: `Make a run for ${PEOPLE} people` }).click();
  await expect(page.getByText('Run 2 of')).toBeVisible();
  await send(page);
  await expect(page.getByText(`${PEOPLE} of ${PEOPLE} done`)).toBeVisible();
  await expect.poll(() => inboxTotal(page)).toBe(2 * PEOPLE);

  await page.getByRole('link', { name: 'Autumn letter', exact: true }).first().click();
  const runs = page.getByRole('table', { name: 'Runs' });
  await expect(runs.getByRole('link', { name: 'Run 2' })).toBeVisible();
  await expect(page.getByText(/Together: 12 people reached/)).toBeVisible();
}
