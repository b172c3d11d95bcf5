import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { acknowledgeAll } from './mailing';
import { owner, test } from './service';
import { type SmtpServer, startSmtp } from './smtp';

test.use({ instance: 'routes' });
test.describe.configure({ mode: 'serial' });

const WORDS = '451 4.3.0 Temporary system problem, ask again later';
/** As many refusals without a success between them park a site. */
const PARK_AFTER = 10;
const TAKEN = 6;

let smtp: SmtpServer;
let page: Page;

test.beforeAll(async ({ browser, service }) => {
  smtp = await startSmtp((recipient) => (recipient.includes('dead.example.net') ? WORDS : undefined));
  const context = await browser.newContext({ baseURL: service.url });
  page = await context.newPage();
  await page.goto('/');
  await post('/setup', owner);
  const settings = await (await page.request.get('/api/v1/settings')).json();
  await page.request.put('/api/v1/settings', { data: { ...settings, public_url: service.url } });
  await post('/lists', { name: 'Friends' });
  const addresses = [
    ...Array.from({ length: TAKEN }, (_, i) => `person${i}@example.net`),
    ...Array.from({ length: PARK_AFTER + 2 }, (_, i) => `person${i}@dead.example.net`),
  ];
  for (const email of addresses) await post('/subscribers', { email, name: 'Ada', list_ids: [1] });
  await post('/campaigns', {
    name: 'Autumn letter',
    subject: 'Hello',
    html: '<p>Hello</p>',
    from_email: 'garden@example.org',
    list_ids: [1],
  });
});

test.afterAll(async () => {
  await page.context().close();
  await smtp.stop();
});

async function post(path: string, data: object) {
  const answer = await page.request.post(`/api/v1${path}`, { data });
  expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
}

/** Nothing that keeps somebody from using what is shown, in both colour schemes, and nothing wider than a phone. */
async function isAccessible() {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expectAccessible(page);
  }
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const wider = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(wider).toBeLessThanOrEqual(0);
  if (wide) await page.setViewportSize(wide);
}

async function newRelay(name: string) {
  await page.goto('/relays/new');
  await page.getByRole('combobox', { name: 'Provider' }).fill('Postfix');
  await page.getByRole('option', { name: 'Own Postfix' }).click();
  await page.getByRole('textbox', { name: /^Name( \*)?$/ }).fill(name);
  await page.getByRole('combobox', { name: 'Encryption' }).click();
  await page.getByRole('option', { name: 'None' }).click();
  await page.getByRole('textbox', { name: /^Host/ }).fill('127.0.0.1');
  await page.getByRole('textbox', { name: /^Port/ }).fill(String(smtp.port));
  await page.getByRole('combobox', { name: 'Method' }).click();
  await page.getByRole('option', { name: 'No log-in' }).click();
  await page.getByRole('combobox', { name: 'DKIM' }).click();
  await page.getByRole('option', { name: 'The server signs' }).click();
}

const section = () => page.getByRole('region', { name: 'Which mail goes here' });

async function saved(id: number) {
  await page.getByRole('button', { name: 'Add relay' }).click();
  await expect(page).toHaveURL(new RegExp(`/relays/${id}$`));
}

test('which mail goes through a relay', async () => {
  await newRelay('Main');
  await expect(section()).toContainText('Takes all mail. A usual share beside other relays.');
  await expect(section()).toContainText('The limits per recipient site are kept.');
  await section().getByRole('button', { name: 'Change' }).click();
  await section().getByRole('textbox', { name: 'Weight' }).fill('3');
  await saved(2);

  await newRelay('Press');
  await section().getByRole('button', { name: 'Change' }).click();
  const from = section().getByRole('combobox', { name: 'Only mail From these domains' });
  await from.fill('press');
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Add relay' }).click();
  // What the server objects to is said at its field, which gets the focus.
  await expect(section().getByText('"press" is not a domain')).toBeVisible();
  await expect(from).toBeFocused();
  await isAccessible();
  await page.keyboard.press('Backspace');
  await page.keyboard.type('press.example.org,');
  await saved(3);

  await newRelay('Spare');
  const change = section().getByRole('button', { name: 'Change' });
  await change.focus();
  await page.keyboard.press('Enter');
  await section().getByRole('radio', { name: 'It takes its share' }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(section().getByRole('textbox', { name: 'Weight' })).toBeHidden();
  await section().getByRole('combobox', { name: 'Only mail to these recipients' }).fill('Google');
  await page.getByRole('option', { name: 'Google' }).click();
  await saved(4);
  await expect(section().getByRole('radio', { name: 'It is a backup' })).toBeChecked();

  await page.goto('/relays');
  await expect(page.getByText('Weight 3')).toBeVisible();
  await expect(page.getByText('Only From press.example.org')).toBeVisible();
  await expect(page.getByText('Backup · Only to Google')).toBeVisible();
  await isAccessible();
});

test('several relays for a campaign, with the keyboard', async () => {
  await page.goto('/campaigns/1');
  await page.getByRole('combobox', { name: 'Relay' }).focus();
  await choose('Spare');
  await expect(page.getByText('nobody would send to the others')).toBeVisible();
  await page.getByRole('button', { name: 'Add another relay' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('combobox', { name: 'Add another relay' })).toBeFocused();
  await choose('Main');
  await expect(page.getByText('nobody would send to the others')).toBeHidden();
  await expect(page.getByText('Mail to Google goes through Main; Spare only when Main cannot be used.')).toBeVisible();
  await expect(page.getByText('Everything else goes through Main.')).toBeVisible();
  await page.getByRole('button', { name: 'Add another relay' }).click();
  await choose('Press');
  const relays = page.getByRole('group', { name: 'Relays' });
  await expect(relays.getByRole('group', { name: 'Press' })).toContainText('Takes nothing');
  await expect(relays.getByRole('group', { name: 'Main' })).toContainText('100%');
  await expect(page.getByText(/“Press” takes only mail From press\.example\.org, and this campaign/)).toBeVisible();
  await isAccessible();
});

/** Opens the choice that has the focus and takes one of its options, without the mouse. */
async function choose(name: string) {
  await page.keyboard.press('ArrowDown');
  const option = page.getByRole('option', { name, exact: true });
  await expect(option).toBeVisible();
  for (let i = 0; i < 6; i++) {
    if ((await option.getAttribute('data-combobox-selected')) === 'true') break;
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Enter');
}

test('what keeps a campaign from starting is said before, with the way out', async () => {
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Send “Autumn letter” now?' });
  await expect(dialog.getByText('Spare, Main and Press')).toBeVisible();
  await expect(dialog.getByText('“Press” takes only mail From press.example.org')).toBeVisible();
  await expect(dialog.getByRole('link', { name: 'Open Press' })).toBeVisible();
  await expect(dialog.getByRole('button', { name: /^Send to/ })).toBeDisabled();
  await isAccessible();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('The relays cannot be used like this; see Sending')).toBeVisible();

  await page.getByRole('button', { name: 'Leave out Press' }).click();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('Relays chosen')).toBeVisible();
});

test('limits of sites', async () => {
  await page.goto('/relays');
  await page.getByRole('main').getByRole('link', { name: 'Site limits' }).click();
  await expect(page.getByText('What is a site?')).toBeVisible();
  const table = page.getByRole('table', { name: 'Site limits' });
  const row = (name: RegExp) => table.getByRole('row', { name });
  await expect(row(/^Google .*All relays/)).toContainText('Shipped, 2026-11');
  await page.getByRole('searchbox', { name: 'Search sites' }).fill('hotmail');
  await expect(row(/^Microsoft/)).toBeVisible();
  await expect(row(/^Google/)).toBeHidden();
  await page.getByRole('searchbox', { name: 'Search sites' }).fill('google');
  await expect(row(/^Google/)).toBeVisible();

  await act('Google, All relays', 'Edit…');
  const dialog = page.getByRole('dialog', { name: 'Limit for Google' });
  await expect(dialog.getByLabel('Per minute')).toHaveValue('300');
  await isAccessible();
  await dialog.getByLabel('Per minute').fill('0');
  await dialog.getByRole('button', { name: 'Save changes' }).click();
  await expect(dialog.getByText(/must be between 1 and/)).toBeVisible();
  await dialog.getByLabel('Per minute').fill('60');
  await dialog.getByRole('button', { name: 'Save changes' }).click();
  await expect(dialog).toBeHidden();
  await expect(row(/^Google .*All relays/)).toContainText('Your own');
  await expect(row(/^Google .*All relays/)).toContainText('instead of 300');

  await act('Google, All relays', 'Another one for a single relay…');
  await dialog.getByLabel('At once').fill('2');
  await dialog.getByRole('button', { name: 'Save changes' }).click();
  await expect(row(/^Google .*Main/)).toContainText('instead of 20');
  await act('Google, Main', 'Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row(/^Google .*Main/)).toBeHidden();
  await act('Google, All relays', 'Back to the shipped limit');
  await page.getByRole('dialog').getByRole('button', { name: 'Back to the shipped limit' }).click();
  await expect(row(/^Google .*All relays/)).toContainText('Shipped, 2026-11');

  await page.getByRole('searchbox', { name: 'Search sites' }).fill('');
  await addLimit('Example.NET', '40');
  await expect(row(/^example\.net .*All relays/)).toContainText('40');
  await addLimit('example.net', '50');
  const again = page.getByRole('dialog', { name: 'Add a limit' });
  await expect(again.getByText('example.net is set twice for the same relay')).toBeVisible();
  await again.getByRole('button', { name: 'Cancel' }).click();
  await isAccessible();
});

async function act(of: string, item: string) {
  await page.getByRole('button', { name: `Actions for ${of}` }).click();
  await page.getByRole('menuitem', { name: item }).click();
}

async function addLimit(site: string, perMinute: string) {
  await page.getByRole('button', { name: 'Add a limit' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a limit' });
  await dialog.getByLabel(/^Site/).fill(site);
  await page.keyboard.press('Tab');
  await dialog.getByLabel('Per minute').fill(perMinute);
  await dialog.getByRole('button', { name: 'Save changes' }).click();
}

test('how a relay stands with the sites, while mail goes out', async () => {
  // Open before anything is sent, and never loaded again.
  const watching = await page.context().newPage();
  await watching.goto('/relays/2');
  const sites = watching.getByRole('region', { name: 'Recipient sites' }).first();
  await expect(sites.getByText('Nothing went to any site yet')).toBeVisible();

  await page.getByRole('link', { name: 'Campaigns' }).first().click();
  await page.getByRole('link', { name: 'Autumn letter' }).click();
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  await acknowledgeAll(page.getByRole('dialog'));
  await page.getByRole('button', { name: `Send to ${TAKEN + PARK_AFTER + 2} people` }).click();
  const through = page.getByRole('region', { name: 'Relays' });
  await expect(through.getByRole('link', { name: 'Main' })).toBeVisible();
  await expect(through).toContainText(/Spare\s*Backup/);

  const dead = sites.getByRole('row', { name: /^dead\.example\.net/ });
  await expect(dead).toContainText('Parked');
  await expect(dead).toContainText('Nothing goes there until');
  await expect(dead).toContainText('Its rate is halved');
  await expect(dead).toContainText(WORDS.slice(4));
  await expect(sites.getByRole('row', { name: /^example\.net/ })).toContainText('40');
  await watching.close();

  await through.getByRole('link', { name: 'Main' }).click();
  await expect(page.getByRole('row', { name: /^dead\.example\.net/ })).toContainText('Parked');
  await isAccessible();
  await page
    .getByRole('row', { name: /^dead\.example\.net/ })
    .getByRole('link', { name: 'Change the limit' })
    .click();
  const dialog = page.getByRole('dialog', { name: 'Limit for dead.example.net' });
  await expect(dialog.getByLabel('Holds for')).toHaveValue('Main');
  await dialog.getByLabel('Per minute').fill('5');
  await dialog.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('row', { name: /^dead\.example\.net .*Main/ })).toContainText('Your own');
});
