import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { owner, test } from './service';

test.use({ instance: 'domain-pace' });

const PEOPLE = 50;
const FIRST = 40;

test('window and warm-up of a sending domain, and a campaign that they hold up', async ({ page }) => {
  await prepare(page);
  await setPlan(page);
  await seePlanAgain(page);
  await sendMoreThanADayAllows(page);
  await readPace(page);
});

async function prepare(page: Page) {
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(`/api/v1${path}`, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  };
  await page.goto('/');
  await post('/setup', owner);
  const settings = await (await page.request.get('/api/v1/settings')).json();
  await page.request.put('/api/v1/settings', { data: { ...settings, public_url: new URL(page.url()).origin } });
  await post('/domains', { domain: 'example.org', bounce_domain: 'bounce.example.org' });
  await post('/lists', { name: 'Friends' });
  for (let i = 1; i <= PEOPLE; i++) {
    await post('/subscribers', { email: `person${i}@example.net`, name: `Person ${i}`, list_ids: [1] });
  }
  await post('/campaigns', {
    name: 'Autumn letter',
    subject: 'Hello',
    html: '<p>Hello</p>',
    from_email: 'garden@example.org',
    list_ids: [1],
    relay_id: 1,
  });
}

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
  await dialog.getByRole('button', { name: `Send to ${PEOPLE} people` }).click();
  await expect(page.getByText(`${FIRST} of ${PEOPLE} done`)).toBeVisible();
  await expect(
    page.getByText(`What the warm-up of example.org allows in 24 hours today, ${FIRST} messages, is used up.`, {
      exact: false,
    }),
  ).toBeVisible();
  await expect(page.getByText(/^By the limits the last message goes out around/)).toBeVisible();
  await withoutFindings(page);
}

async function readPace(page: Page) {
  await page.getByRole('link', { name: 'Open the domain' }).click();
  const pace = page.getByRole('region', { name: 'Pace', exact: true });
  await expect(pace.getByText('Nothing goes out at the moment')).toBeVisible();
  await expect(pace.getByText(`${FIRST} of ${FIRST}`)).toBeVisible();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await withoutFindings(page);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await withoutFindings(page);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(wider).toBeLessThanOrEqual(0);
}

async function withoutFindings(page: Page) {
  // A colour on its way from one scheme to the other has any contrast.
  await page.evaluate(() => {
    const ends = document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity);
    return Promise.allSettled(ends.map((one) => one.finished));
  });
  const axe = new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']).setLegacyMode(true);
  const { violations } = await axe.analyze();
  expect(violations.map((one) => `${one.id}: ${one.nodes[0]?.html}`)).toEqual([]);
}
