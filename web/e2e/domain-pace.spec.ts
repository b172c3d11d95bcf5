import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { acknowledgeAll, prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'domain-pace' });

const PEOPLE = 50;
const FIRST = 40;

test('window and warm-up of a sending domain, and a campaign that they hold up', async ({ page }) => {
  await prepareMailing(page, PEOPLE, { domain: 'example.org', bounce_domain: 'bounce.example.org' });
  await setPlan(page);
  await seePlanAgain(page);
  await sendMoreThanADayAllows(page);
  await readPace(page);
});

async function setPlan(page: Page) {
  await page.goto('/domains/1');
  await expect(page.getByRole('region', { name: 'Pace', exact: true })).toBeHidden();
  await page.getByRole('switch', { name: 'Begin slowly' }).click();
  const first = page.getByLabel('Messages on the first day');
  await first.fill('');
  await page.getByLabel('More each day').fill('25');
  const zone = page.getByRole('combobox', { name: 'A day begins at midnight in' });
  await zone.fill('Berlin');
  await page.getByRole('option', { name: 'Europe/Berlin' }).click();
  await page.getByRole('switch', { name: 'Send at certain times only' }).click();
  await page.getByRole('button', { name: 'Every day' }).click();
  await page.getByRole('combobox', { name: 'From', exact: true }).fill('0:00');
  await page.getByRole('combobox', { name: 'Until' }).fill('24:00');
  await page.keyboard.press('Escape');
  // What the server objects to is said at its field, which comes into view.
  await page.getByRole('button', { name: 'Save window and warm-up' }).click();
  await expect(first).toBeFocused();
  await expect(page.getByText(/must be between 1 and .* is usual for a new domain/)).toBeVisible();
  await first.fill(String(FIRST));
  await page.getByRole('button', { name: 'Save window and warm-up' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
}

async function seePlanAgain(page: Page) {
  await page.goto('/domains/1');
  await expect(page.getByLabel('Messages on the first day')).toHaveValue(String(FIRST));
  await expect(page.getByRole('combobox', { name: 'A day begins at midnight in' })).toHaveValue('Europe/Berlin');
  await expect(page.getByRole('checkbox', { name: 'Sun' })).toBeChecked();
  await expect(page.getByRole('textbox', { name: 'Bounce domain' })).toHaveValue('bounce.example.org');
  const pace = page.getByRole('region', { name: 'Pace', exact: true });
  await expect(pace.getByText(`0 of ${FIRST}`)).toBeVisible();
  await expect(pace.getByText(/would be through around/)).toBeVisible();
  await expect(pace.getByText('Decided by the warm-up of example.org.')).toBeVisible();
}

async function sendMoreThanADayAllows(page: Page) {
  await page.goto('/campaigns/1');
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Send “Autumn letter” now?' });
  await expect(dialog.getByText(/the last message goes out around/)).toBeVisible();
  await expect(dialog.getByText('Decided by the warm-up of example.org.')).toBeVisible();
  await acknowledgeAll(dialog);
  await dialog.getByRole('button', { name: `Send to ${PEOPLE} people` }).click();
  await expect(page.getByText(`${FIRST} of ${PEOPLE} done`)).toBeVisible();
  await expect(
    page.getByText(`What the warm-up of example.org allows in 24 hours today, ${FIRST} messages, is used up.`, {
      exact: false,
    }),
  ).toBeVisible();
  await expect(page.getByText(/^By the limits the last message goes out around/)).toBeVisible();
  await expectAccessible(page);
}

async function readPace(page: Page) {
  await page.getByRole('link', { name: 'Open the domain' }).click();
  const pace = page.getByRole('region', { name: 'Pace', exact: true });
  await expect(pace.getByText('Nothing goes out at the moment')).toBeVisible();
  await expect(pace.getByText(`${FIRST} of ${FIRST}`)).toBeVisible();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expectAccessible(page);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wider).toBeLessThanOrEqual(0);
}
