import { type APIRequestContext, expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { owner, sampleFile, test } from './service';

test.use({ instance: 'a11y' });

const pages = [
  '/',
  '/campaigns',
  '/campaigns/new',
  '/campaigns/1',
  '/campaigns/1?tab=content',
  '/campaigns/1?tab=ab',
  '/campaigns/2',
  '/campaigns/2?tab=ab',
  '/campaigns/3',
  '/campaigns/1?tab=check',
  '/newsletters',
  '/newsletters/new',
  '/newsletters/1',
  '/newsletters/1?tab=schedule',
  '/newsletters/1?tab=content',
  '/newsletters/1?tab=settings',
  '/newsletters/1/issues/1',
  '/lists',
  '/lists/1',
  '/segments',
  '/segments/new',
  '/subscribers',
  '/subscribers/1',
  '/fields',
  '/bulk-actions',
  '/imports',
  '/imports/new',
  '/imports/1',
  '/templates',
  '/templates/new',
  '/templates/1',
  '/templates?role=layout',
  '/templates/new?role=snippet',
  '/templates/import-mailchimp',
  '/messages',
  '/messages/1',
  '/media',
  '/suppressions',
  '/suppressions?tab=log',
  '/bounces',
  '/relays',
  '/relays/new',
  '/relays/1',
  '/mailboxes',
  '/mailboxes/new',
  '/mailboxes/1',
  '/site-limits',
  '/provider-webhooks',
  '/provider-webhooks/1',
  '/domains',
  '/domains/1',
  '/inbox',
  '/webhooks',
  '/webhooks/new',
  '/webhooks/1',
  '/webhooks/1?tab=settings',
  '/settings',
  '/settings?tab=media',
];

/** The session of the owner, made once for all tests. */
let session: Awaited<ReturnType<APIRequestContext['storageState']>>['cookies'] = [];

test.beforeAll(async ({ service, playwright }) => {
  const api = await playwright.request.newContext({ baseURL: service.url });
  const post = async (path: string, data: object) => {
    const answer = await api.post(`/api/v1${path}`, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  };
  await post('/setup', owner);
  const settings = await (await api.get('/api/v1/settings')).json();
  expect((await api.put('/api/v1/settings', { data: { ...settings, public_url: service.url } })).ok()).toBe(true);
  await post('/lists', { name: 'Friends' });
  const uploaded = await api.post('/api/v1/imports', {
    multipart: {
      list_id: '1',
      file: { name: 'friends.csv', mimeType: 'text/csv', buffer: Buffer.from(sampleFile(30)) },
    },
  });
  expect(uploaded.ok()).toBe(true);
  await post('/subscribers', { email: 'ada@example.net', name: 'Ada', list_ids: [1], attributes: { city: 'Porto' } });
  await post('/domains', { domain: 'example.org' });
  await post('/webhook-sources', { provider: 'mailgun' });
  await post('/webhooks', {
    url: 'https://hooks.invalid/mail',
    description: 'Shop',
    event_types: ['delivery.bounced'],
  });
  await post('/webhooks/1/test', {});
  await post('/mailboxes', { name: 'Bounces', host: '127.0.0.1', port: 1, username: 'bounces', password: 'secret' });
  await post('/campaigns', { name: 'Autumn letter', subject: 'Hello', html: '<p>Hello</p>', list_ids: [1] });
  for (let i = 1; i <= 19; i++) await post('/subscribers', { email: `reader${i}@example.net`, list_ids: [1] });
  const letter = {
    subject: 'Hello',
    html: '<p>Hello</p>',
    from_email: 'garden@example.org',
    list_ids: [1],
    relay_id: 1,
  };
  const ab_test = {
    variants: [{ subject: 'Hello' }, { subject: 'Good morning' }],
    ...{ sample_percent: 50, metric: 'opens', wait_minutes: 60, min_sample: 1, no_winner: 'ask' },
  };
  await post('/campaigns', { ...letter, name: 'Two subjects', ab_test, start: true });
  const local_time = { enabled: true };
  await post('/campaigns', { ...letter, name: 'Morning letter', local_time, local_at: '2040-03-02T09:00' });
  // Daily, and prepared so far ahead that an issue is there at once.
  await post('/newsletters', {
    name: 'Morning letter',
    list_ids: [1],
    relay_ids: [1],
    content: { subject: 'Good morning', html: '<p>Hello</p>' },
    schedule: { rule: 'FREQ=DAILY', zone: 'Asia/Kathmandu', start: '2026-01-01T09:00' },
    rules: { lead_minutes: 2880, deadline_minutes: 60 },
    mailing: { from_email: 'garden@example.org' },
  });
  await post('/newsletters/1/activate', {});
  const issues = async () => (await (await api.get('/api/v1/newsletters/1/issues?state=draft')).json()).items.length;
  await expect.poll(issues).toBeGreaterThan(0);
  await post('/templates', { name: 'Plain', subject: 'Hello', html: '<p>Hello</p>' });
  await post('/campaigns/1/preflight', {});
  await post('/messages', {
    template_id: 1,
    to: { email: 'ada@example.net' },
    from_email: 'garden@example.org',
    data: { order: 'A-1' },
    tags: ['receipt'],
    send_at: new Date(Date.now() + 86_400_000).toISOString(),
  });
  session = (await api.storageState()).cookies;
  await api.dispose();
});

async function open(page: Page, path: string) {
  await page.context().addCookies(session);
  await page.goto(path);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.locator('.mantine-Skeleton-root:visible')).toHaveCount(0);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a relay with a provider and a failed test (${colorScheme})`, async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await open(page, '/relays/new');
    await page.getByRole('combobox', { name: 'Provider' }).fill('Gmail');
    await page.getByRole('option', { name: 'Gmail' }).click();
    await page.getByRole('switch', { name: 'Send at certain times only' }).click();
    await page.getByRole('switch', { name: 'Begin slowly' }).click();
    await page.getByRole('button', { name: 'Test connection' }).click();
    await expect(page.getByLabel('User name')).toBeFocused();
    await expect(page.getByLabel('User name')).toBeInViewport();
    await page.getByLabel('User name').fill('ada@example.org');
    await page.getByLabel('Password', { exact: true }).fill('secret');
    await page.getByRole('textbox', { name: /^Host/ }).fill('127.0.0.1');
    await page.getByLabel(/^Port/).fill('1');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await expect(page.getByText('It did not go through')).toBeVisible();
    await expectAccessible(page);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(wider).toBeLessThanOrEqual(0);
  });
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`dialogs of a campaign, and the emergency stop (${colorScheme})`, async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await open(page, '/campaigns/1?tab=ab');
    await page.getByRole('button', { name: 'Add an A/B test' }).click();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Preview' }).first().click();
    await expect(page.getByRole('dialog', { name: 'Variant A' })).toBeVisible();
    await expectAccessible(page, { seriousOnly: true });
    await page.goto('/campaigns/3');
    await page.getByRole('button', { name: 'Change time…' }).click();
    await expect(page.getByRole('radio', { name: 'Send it at once' }).last()).toBeVisible();
    await expectAccessible(page);
    await page.goto('/lists');
    await page.getByRole('button', { name: 'Stop all sending…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Stop all sending?' });
    await dialog.getByLabel('Reason').fill('wrong list');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Stop all sending' }).click();
    await expect(page.getByRole('alert', { name: 'All sending is stopped' })).toBeVisible();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Resume…' }).click();
    await page.getByRole('button', { name: 'Resume sending' }).click();
    await expect(page.getByRole('button', { name: 'Stop all sending…' })).toBeVisible();
  });
}

for (const path of pages) {
  test(`${path} has no serious accessibility finding, light or dark, and is not wider than a phone`, async ({
    page,
  }) => {
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await open(page, path);
    await expectAccessible(page, { seriousOnly: true });

    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
    await expectAccessible(page, { seriousOnly: true });

    await page.setViewportSize({ width: 390, height: 844 });
    const wider = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await expect.poll(wider).toBeLessThanOrEqual(0);
  });
}
