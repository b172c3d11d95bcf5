import { expect, type Page } from '@playwright/test';
import { acknowledgeAll } from './mailing';
import { owner, sampleFile, test } from './service';

test.use({ instance: 'journey' });

const PEOPLE = 120;

test('from set-up to the delivery log', async ({ page }) => {
  await setUp(page);
  await upload(page);
  await writeCampaign(page);
  await previewAndTest(page);
  await send(page);
  await readTheLog(page);
  await readTheInbox(page);
});

async function setUp(page: Page) {
  await page.goto('/');
  await page.getByLabel('Organisation').fill(owner.organization);
  await page.getByLabel('Your name').fill(owner.name);
  await page.getByLabel('Email').fill(owner.email);
  await page.getByLabel(/^Password/).fill(owner.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
}

async function upload(page: Page) {
  await page.goto('/imports/new');
  await page.locator('input[type=file]').setInputFiles({
    name: 'friends.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(sampleFile(PEOPLE)),
  });
  await page.getByLabel('Name of the new list').fill('Friends');
  await page.getByRole('button', { name: 'Upload', exact: true }).click();

  // What the server understood: delimiter, columns in another order, and the first rows.
  await expect(page.getByText('3 columns separated by semicolon')).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'What column E-mail becomes' })).toHaveValue('Email address');
  await expect(page.getByRole('combobox', { name: 'What column Full name becomes' })).toHaveValue('Name');
  const field = page.getByRole('textbox', { name: 'Name of the new field for column City' });
  await expect(field).toHaveValue('city');
  await field.fill('town');
  await expect(page.getByRole('cell', { name: 'person001@example.org' })).toBeVisible();
  await page.getByRole('radio', { name: 'Yes, they agreed to get mail like this' }).check();
  await page.getByRole('button', { name: 'Sign-up form on our website' }).click();

  // The whole file is checked before anything is stored.
  await page.getByRole('button', { name: 'Check the whole file' }).click();
  await expect(
    page.getByRole('heading', { name: `${PEOPLE + 2} people would be imported into Friends` }),
  ).toBeVisible();
  await page.getByRole('button', { name: `Import ${PEOPLE + 2} people into Friends` }).click();

  await expect(page.getByText('Done', { exact: true })).toBeVisible();
  await expect(page.getByText('2 rejected rows')).toBeVisible();
  const rejected = page.getByRole('table', { name: 'Rejected rows' });
  await expect(rejected.getByText('broken.example.org')).toBeVisible();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download errors' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/\.csv$/);
}

async function writeCampaign(page: Page) {
  await page.goto('/campaigns/new');
  await page.getByLabel(/^Name/).fill('Autumn letter');
  await page.getByRole('button', { name: 'Create draft' }).click();
  await page.getByLabel('Subject').fill('Hello {{ subscriber.first_name }}');
  await page.getByLabel('From name').fill('The garden');
  await page.getByLabel('From address').fill('garden@example.org');
  await page.getByRole('combobox', { name: 'Relay' }).click();
  await page.getByRole('option', { name: 'Built-in inbox' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Unsaved')).toBeHidden();
}

async function previewAndTest(page: Page) {
  await page.getByRole('tab', { name: 'Content' }).click();
  const source = page.getByRole('textbox', { name: 'HTML source' });
  await source.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(
    '<html><body><p>Dear {{ subscriber.first_name }} in {{ subscriber.town }}</p><a href="https://example.org/soup">Soup</a></body></html>',
  );
  const preview = page.frameLocator('iframe[title="Preview of the mail"]');
  await expect(preview.getByText('Dear Later in Porto')).toBeVisible();
  await page.getByRole('button', { name: 'Phone width' }).click();
  await expect(preview.getByText('Dear Later in Porto')).toBeVisible();

  await page.getByRole('button', { name: 'Send test' }).click();
  await page.getByRole('button', { name: 'Send test now' }).click();
  await expect(page.getByRole('dialog').getByLabel('Accepted')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
}

async function send(page: Page) {
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Send “Autumn letter” now?' });
  await expect(dialog.getByText('Friends')).toBeVisible();
  await acknowledgeAll(dialog);
  await dialog.getByRole('button', { name: `Send to ${PEOPLE + 2} people` }).click();
  await expect(page.getByRole('tab', { name: `Deliveries (${PEOPLE + 2})` })).toBeVisible();
  await expect(page.getByText(`${PEOPLE + 1} of ${PEOPLE + 2} done`)).toBeVisible();
}

async function readTheLog(page: Page) {
  await page.getByRole('tab', { name: /^Deliveries/ }).click();
  const log = page.getByRole('table', { name: 'Deliveries' });
  await expect(log.getByText('person001@example.org')).toBeVisible();
  await page.getByLabel('Search by address').fill('bounce1');
  await expect(log.getByText('bounce1@example.org')).toBeVisible();
  await expect(log.getByText('person001@example.org')).toBeHidden();
  await log.getByText('bounce1@example.org').click();
  const story = page.getByRole('main');
  await expect(story.getByText(/no such user/).first()).toBeVisible();
  await expect(story.getByText('Bounced').first()).toBeVisible();
  // The address is suppressed from now on, with the evidence.
  await page.goto('/suppressions');
  await expect(page.getByText('bounce1@example.org')).toBeVisible();
}

async function readTheInbox(page: Page) {
  await page.goto('/inbox');
  await page.getByText('Hello Person').first().click();
  await expect(page.frameLocator('iframe').getByText('Dear Person in Lisbon')).toBeVisible();
}
