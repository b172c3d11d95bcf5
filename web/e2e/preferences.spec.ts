import { type BrowserContext, expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { acknowledgeAll, prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'preferences' });
test.describe.configure({ mode: 'serial' });

const PEOPLE = 4;

let admin: Page;
/** A browser that was never signed in: the reader's. */
let reader: BrowserContext;
let page: Page;
/** Requests of the reader's browser, and what its console said. */
const asked: string[] = [];
const said: string[] = [];

test.beforeAll(async ({ browser, service }) => {
  admin = await (await browser.newContext({ baseURL: service.url })).newPage();
  await prepareMailing(admin, PEOPLE);
  const settings = await (await admin.request.get('/api/v1/settings')).json();
  await admin.request.put('/api/v1/settings', { data: { ...settings, postal_address: '1 Wood Lane\nExampletown' } });
  const changed = await admin.request.put('/api/v1/campaigns/1', {
    data: {
      name: 'Autumn letter',
      subject: 'Hello',
      html: '<p><a href="{{ preferences_url }}">What you get</a> <a href="{{ unsubscribe_url }}">Leave</a></p>',
      from_email: 'garden@example.org',
      list_ids: [1],
      relay_id: 1,
    },
  });
  expect(changed.ok(), await changed.text()).toBe(true);
  await admin.goto('/campaigns/1');
  await admin.getByRole('button', { name: 'Send…', exact: true }).click();
  await acknowledgeAll(admin.getByRole('dialog'));
  await admin.getByRole('button', { name: `Send to ${PEOPLE} people` }).click();
  await expect(admin.getByText(`${PEOPLE} of ${PEOPLE} done`)).toBeVisible();

  reader = await browser.newContext({ baseURL: service.url });
  page = await reader.newPage();
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => said.push(message.text()));
});

test.afterAll(async () => {
  await reader.close();
  await admin.context().close();
});

/** The address of a page as it stands in the mail that a person got. */
async function linkOf(person: number, kind: 'u' | 'p'): Promise<string> {
  const { items } = await (await admin.request.get('/api/v1/inbox/messages')).json();
  const one = items.find((message: { to: string }) => message.to.includes(`person${person}@`));
  const message = JSON.stringify(await (await admin.request.get(`/api/v1/inbox/messages/${one.id}`)).json());
  const found = message.match(new RegExp(`/${kind}/[a-z2-7]+`));
  if (!found) throw new Error(`the mail has no ${kind} link: ${message}`);
  return found[0];
}

async function subscriber(person: number) {
  const found = await (await admin.request.get(`/api/v1/subscribers?q=person${person}@`)).json();
  return found.items[0];
}

/** What can be used and does not lie within its box. */
function outside() {
  return [...document.querySelectorAll('label, input:not([type=hidden]), textarea, button, a')]
    .filter((one) => {
      const box = (one.closest('fieldset') ?? document.querySelector('main'))?.getBoundingClientRect();
      const { left, right } = one.getBoundingClientRect();
      return !box || left < box.left || right > box.right;
    })
    .map((one) => one.outerHTML);
}

/** Nothing that keeps somebody from using the page in either colour scheme, nothing wider than a phone, no script, no cookie, nothing from elsewhere. */
async function isFitForStrangers() {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 844 });
      await expectAccessible(page);
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wider).toBeLessThanOrEqual(0);
      expect(await page.evaluate(outside)).toEqual([]);
    }
  }
  expect(await page.locator('script, img, link, iframe').count()).toBe(0);
  expect(await reader.cookies()).toEqual([]);
  const origin = new URL(page.url()).origin;
  expect(asked.filter((url) => new URL(url).origin !== origin)).toEqual([]);
  expect(said.filter((line) => line.includes('Content Security Policy'))).toEqual([]);
}

test('leaving, saying why, and taking it back, by keyboard alone', async () => {
  await page.goto(await linkOf(1, 'u'));
  await expect(page.getByText('Should p…@example.net get no more mail from Friends?')).toBeVisible();
  await expect(page.getByText('The Library Garden')).toBeVisible();
  await expect(page.getByText('1 Wood Lane')).toBeVisible();
  await expect(page.getByRole('button')).toHaveCount(1);
  await isFitForStrangers();
  expect((await subscriber(1)).subscriptions[0].status).toBe('subscribed');

  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: 'Unsubscribe' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'You are unsubscribed' })).toBeVisible();
  expect((await subscriber(1)).subscriptions[0].status).toBe('unsubscribed');
  await isFitForStrangers();

  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await expect(page.getByRole('radio', { name: 'Too much mail' })).toBeChecked();
  await page.keyboard.press('Tab');
  await expect(page.getByLabel('In your words (optional)')).toBeFocused();
  await page.keyboard.type('Twice a day <b>really</b>');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status')).toHaveText('Thank you for telling us.');
  await isFitForStrangers();

  await page.getByRole('button', { name: 'Take it back' }).click();
  await expect(page.getByRole('heading', { name: 'You get our mail again' })).toBeVisible();
  await isFitForStrangers();
  expect((await subscriber(1)).subscriptions[0].status).toBe('subscribed');
});

test('the preference page: a pause, fewer mails, a list', async () => {
  await page.goto(await linkOf(2, 'p'));
  await expect(page.getByRole('checkbox', { name: 'Friends' })).toBeChecked();
  await isFitForStrangers();
  await page.getByRole('radio', { name: 'No mail for three months' }).check();
  await page.getByRole('radio', { name: 'At most one message a week' }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('status')).toContainText('Saved. You get no mail until');
  await expect(page.getByRole('radio', { name: /^No mail until/ })).toBeChecked();
  await isFitForStrangers();
  const person = await subscriber(2);
  expect(person.frequency.limit).toBe('weekly');
  expect(person.subscriptions[0].status).toBe('subscribed');

  await admin.goto(`/subscribers/${person.id}`);
  await expect(admin.getByText('Wants no mail for a while')).toBeVisible();
  await expect(admin.getByText('At most one mailing a week', { exact: true })).toBeVisible();
  await expectAccessible(admin);
  await admin.getByRole('button', { name: 'End the pause…' }).click();
  await admin.getByRole('button', { name: 'End the pause', exact: true }).click();
  await expect(admin.getByText('Wants no mail for a while')).toBeHidden();
  expect((await subscriber(2)).pause).toBeNull();
});

test('nothing at all any more, and back', async () => {
  await page.goto(await linkOf(3, 'p'));
  await page.getByRole('button', { name: 'Unsubscribe from everything' }).click();
  await expect(page.getByText('will get no more mail from us at all')).toBeVisible();
  await isFitForStrangers();
  expect((await subscriber(3)).suppressed.reason).toBe('unsubscribe');
  await page.getByRole('radio', { name: 'I never signed up' }).check();
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('link', { name: 'see all that you get from us' }).click();
  await expect(page.getByRole('checkbox', { name: 'Friends' })).not.toBeChecked();
  await isFitForStrangers();
  await page.getByRole('checkbox', { name: 'Friends' }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('checkbox', { name: 'Friends' })).toBeChecked();
  expect((await subscriber(3)).suppressed).toBeNull();
});

test('a link that does not work says what to do', async () => {
  for (const path of ['/u/nonsense', '/p/nonsense']) {
    const answer = await page.goto(path);
    expect(answer?.status()).toBe(404);
    await expect(page.getByRole('heading', { name: 'This link does not work' })).toBeVisible();
    await expect(page.getByText('The Library Garden')).toBeVisible();
    await isFitForStrangers();
  }
});

test('the next mailing leaves out who was mailed enough, and the report tells why people left', async () => {
  const answer = await admin.request.get('/api/v1/campaigns/1/audience');
  expect((await answer.json()).excluded).toContainEqual({ reason: 'frequency', count: 1 });
  await page.goto(await linkOf(4, 'u'));
  await page.getByRole('button', { name: 'Unsubscribe' }).click();
  await page.getByRole('radio', { name: 'Something else' }).check();
  await page.getByLabel('In your words (optional)').fill('Moving to a farm');
  await page.getByRole('button', { name: 'Send' }).click();
  await admin.goto('/campaigns/1');
  const card = admin.getByRole('region', { name: 'Why people left' });
  await expect(card.getByText('Moving to a farm')).toBeVisible();
  await expect(card.getByRole('list', { name: 'Why people left' }).getByText('Something else')).toBeVisible();
  await expect(card.getByText('Never signed up')).toBeVisible();
  await expectAccessible(admin);
  await admin.goto('/lists/1');
  await admin.getByRole('switch', { name: 'On preference pages' }).click();
  await expect(admin.getByText('“Friends” is on preference pages now')).toBeVisible();
  expect((await (await admin.request.get('/api/v1/lists/1')).json()).public).toBe(true);
});
