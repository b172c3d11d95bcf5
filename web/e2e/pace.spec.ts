import { expect, type Page } from '@playwright/test';
import { acknowledgeAll, prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'pace' });

const PEOPLE = 50;
const PER_HOUR = 40;

test('limits, window and warm-up of a relay, and a campaign that they hold up', async ({ page }) => {
  await prepareMailing(page, PEOPLE);
  await setPace(page);
  await seePaceAgain(page);
  await sendMoreThanAnHourAllows(page);
  await readPace(page);
});

async function setPace(page: Page) {
  await page.goto('/relays/1');
  const perSecond = page.getByLabel('Per second');
  await perSecond.fill('2000000000');
  await page.getByLabel('Per hour').fill(String(PER_HOUR));
  await page.getByLabel('Per day').fill('5000');
  await page.getByRole('switch', { name: 'Send at certain times only' }).click();
  await page.getByRole('button', { name: 'Every day' }).click();
  await page.getByRole('combobox', { name: 'From', exact: true }).fill('0:00');
  await page.getByRole('combobox', { name: 'Until' }).fill('24:00');
  await page.keyboard.press('Escape');
  await page.getByRole('switch', { name: 'Begin slowly' }).click();
  await page.getByLabel('Messages on the first day').fill('60');
  await page.getByLabel('More each day').fill('50');
  await expect(page.getByText(/^Reaches 5,000 a day on/)).toBeVisible();
  // What the server objects to is said at its field, which comes into view.
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(perSecond).toBeFocused();
  await expect(page.getByText(/must be between 1 and/)).toBeVisible();
  await perSecond.fill('');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
}

async function seePaceAgain(page: Page) {
  await page.goto('/relays');
  await expect(page.getByText(`${PER_HOUR} per hour, 5,000 per day`)).toBeVisible();
  await expect(page.getByText('Warm-up, Sending window')).toBeVisible();
  await page.getByRole('link', { name: 'Built-in inbox' }).click();
  await expect(page.getByLabel('Per second')).toHaveValue('');
  await expect(page.getByLabel('Per hour')).toHaveValue(String(PER_HOUR));
  await expect(page.getByRole('checkbox', { name: 'Sun' })).toBeChecked();
  await expect(page.getByRole('combobox', { name: 'From', exact: true })).toHaveValue('00:00');
  await expect(page.getByRole('combobox', { name: 'Until' })).toHaveValue('24:00');
  await expect(page.getByLabel('More each day')).toHaveValue('50 %');
  const pace = page.getByRole('region', { name: 'Pace', exact: true });
  await expect(pace.getByText('Full speed')).toBeVisible();
  await expect(pace.getByText('0 of 60')).toBeVisible();
  await expect(pace.getByText(/would be through around/)).toBeVisible();
}

async function sendMoreThanAnHourAllows(page: Page) {
  await page.goto('/campaigns/1');
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Send “Autumn letter” now?' });
  await expect(dialog.getByText(/the last message goes out around/)).toBeVisible();
  await expect(dialog.getByText('Decided by the limit per hour of Built-in inbox.')).toBeVisible();
  await acknowledgeAll(dialog);
  await dialog.getByRole('button', { name: `Send to ${PEOPLE} people` }).click();
  await expect(page.getByText(`${PER_HOUR} of ${PEOPLE} done`)).toBeVisible();
  await expect(page.getByText(/^The hour.s share of the relay is used up\.$/)).toBeVisible();
  await expect(page.getByText(/left$/)).toBeHidden();
}

async function readPace(page: Page) {
  await page.getByRole('link', { name: 'Open the relay' }).click();
  const pace = page.getByRole('region', { name: 'Pace', exact: true });
  await expect(pace.getByText('Nothing goes out at the moment')).toBeVisible();
  await expect(pace.getByText(`${PER_HOUR} of ${PER_HOUR}`)).toBeVisible();
  await page.goto('/relays');
  await expect(page.getByText('Held up', { exact: true })).toBeVisible();
}
