import { type BrowserContext, expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'signup' });
test.describe.configure({ mode: 'serial' });

let admin: Page;
/** A browser that was never signed in: the reader's. */
let reader: BrowserContext;
let page: Page;
let address = '';
let link = '';
/** Requests of the reader's browser, and what its console said. */
const asked: string[] = [];
const said: string[] = [];

test.beforeAll(async ({ browser, service }) => {
  admin = await (await browser.newContext({ baseURL: service.url })).newPage();
  await prepareMailing(admin, 1);
  const settings = await (await admin.request.get('/api/v1/settings')).json();
  await admin.request.put('/api/v1/settings', {
    data: { ...settings, postal_address: '1 Wood Lane', default_from_email: 'garden@example.org' },
  });
  reader = await browser.newContext({ baseURL: service.url });
  page = await reader.newPage();
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
});

test.afterAll(async () => {
  await reader.close();
  await admin.context().close();
});

async function subscriber(email: string) {
  const { items } = await (await admin.request.get(`/api/v1/subscribers?q=${encodeURIComponent(email)}`)).json();
  return items[0];
}

/** The newest mail of the inbox to somebody, as soon as there is one. */
async function mailTo(email: string): Promise<string> {
  let id = 0;
  await expect(async () => {
    const { items } = await (await admin.request.get('/api/v1/inbox/messages')).json();
    id = items.find((message: { to: string }) => message.to.includes(email))?.id ?? 0;
    expect(id).toBeGreaterThan(0);
  }).toPass({ timeout: 20_000 });
  return JSON.stringify(await (await admin.request.get(`/api/v1/inbox/messages/${id}`)).json());
}

test('an admin turns double opt-in on and makes a form', async () => {
  await admin.goto('/lists/1');
  await admin.getByRole('switch', { name: 'Double opt-in: people confirm by a mail' }).click();
  await expect(admin.getByText('People confirm now')).toBeVisible();
  await expectAccessible(admin);
  await admin.getByRole('link', { name: 'New form' }).click();
  await admin.getByRole('textbox', { name: 'Name', exact: true }).fill('Garden page');
  await admin.getByRole('textbox', { name: 'Heading', exact: true }).fill('Letters from the garden');
  await admin
    .getByRole('textbox', { name: 'What people agree to' })
    .fill('I want letters from the garden and can leave at any time.');
  await admin.getByRole('checkbox', { name: 'They have to tick it' }).click();
  await admin.getByRole('button', { name: 'Ask for something more' }).click();
  await admin.getByRole('menuitem', { name: 'Name of the person' }).click();
  const preview = admin.frameLocator('iframe[title="Preview of the form’s page"]');
  await expect(preview.getByRole('heading', { name: 'Letters from the garden' })).toBeVisible();
  await expect(preview.getByText('I want letters from the garden')).toBeVisible();
  await expectAccessible(admin);
  await admin.getByRole('button', { name: 'Create form' }).click();
  await expect(admin.getByRole('heading', { name: 'HTML form' })).toBeVisible();
  const { items } = await (await admin.request.get('/api/v1/forms')).json();
  address = `/s/${items[0].slug}`;
  await expect(admin.getByText(items[0].url, { exact: true })).toBeVisible();
  await expectAccessible(admin);
});

test('somebody signs up on the hosted page, without script', async () => {
  await page.goto(address);
  await expectAccessible(page);
  // Robots are quicker than that, and are asked to press once more.
  await page.waitForFunction((since) => performance.now() > since, 2_100);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.getByText('Please write a complete e-mail address')).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel('E-mail address').fill('mia@example.org');
  await page.getByRole('textbox', { name: /^Name/ }).fill('Mia');
  await page.getByLabel('I want letters from the garden').check();
  await page.getByRole('button', { name: 'Sign up' }).click();
  await expect(page.getByRole('heading', { name: 'Thank you' })).toBeVisible();
  await expectAccessible(page);
});

test('a scanner that opens every link confirms nothing', async () => {
  const mail = await mailTo('mia@example.org');
  const found = mail.match(/\/c\/[a-z2-7]+/);
  if (!found) throw new Error(`the mail has no link: ${mail}`);
  link = found[0];
  expect(mail).not.toContain('Mia');
  for (const method of ['GET', 'HEAD'] as const) {
    const looked = await reader.request.fetch(link, { method });
    expect(looked.status()).toBe(200);
  }
  const nothing = await reader.request.post(link, { form: {} });
  expect(nothing.status()).toBe(200);
  expect((await subscriber('mia@example.org')).subscriptions[0].status).toBe('unconfirmed');
});

test('the button confirms, and the evidence is there', async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(link);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Yes, I want it' }).click();
  await expect(page.getByRole('heading', { name: 'You are on the list' })).toBeVisible();
  await expectAccessible(page);
  const mia = await subscriber('mia@example.org');
  expect(mia.name).toBe('Mia');
  expect(mia.subscriptions[0]).toMatchObject({ status: 'subscribed', source: 'confirmation' });
  const { items } = await (await admin.request.get('/api/v1/lists/1/optin-requests?state=confirmed')).json();
  expect(items[0]).toMatchObject({
    email: 'mia@example.org',
    state: 'confirmed',
    form_name: 'Garden page',
    attempts: 1,
    reply_code: 250,
  });
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'You are on the list' })).toBeVisible();
  await page.goto('/c/aaaa');
  await expect(page.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
  expect(said.filter((line) => !line.includes('404') && !line.includes('400'))).toEqual([]);
  expect(asked.every((url) => new URL(url).host === new URL(page.url()).host)).toBe(true);
});

test('somebody who never asked says so, and the admin sees it all', async () => {
  const sent = await reader.request.post(`${address}.json`, {
    data: { email: 'noah@example.org', fields: { name: 'Noah' }, consent: true },
  });
  expect(await sent.json()).toMatchObject({ ok: true });
  const mail = await mailTo('noah@example.org');
  await page.goto(mail.match(/\/c\/[a-z2-7]+/)?.[0] ?? '');
  await page.getByRole('button', { name: 'That was not me' }).click();
  await expect(page.getByRole('heading', { name: 'Nothing will come' })).toBeVisible();
  expect(await subscriber('noah@example.org')).toBeUndefined();
  await admin.goto('/lists/1');
  await admin.getByRole('tab', { name: 'Confirmations' }).click();
  await admin.getByText('Ended', { exact: true }).click();
  await expect(admin.getByRole('cell', { name: 'noah@example.org by Garden page' })).toBeVisible();
  await expect(admin.getByText('Was not them')).toBeVisible();
  await expectAccessible(admin);
  await admin.goto('/forms');
  await expectAccessible(admin);
  await admin.getByRole('link', { name: 'Garden page' }).click();
  await admin.getByRole('tab', { name: 'Figures' }).click();
  await expect(admin.getByRole('img', { name: /Sign-ups by day/ })).toBeVisible();
  await expectAccessible(admin);
});
