import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { acknowledgeAll, prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'preflight' });

test('a mail with a fault does not start; mended and its warnings acknowledged, it arrives', async ({ page }) => {
  await prepareMailing(page, 2);
  await write(
    page,
    '<p>Hello <a href="https://[YOUR LINK]">there</a></p><p><a href="{{ unsubscribe_url }}">Leave</a></p>',
  );

  await page.goto('/campaigns/1?tab=check');
  await expect(page.getByText('Not checked yet')).toBeVisible();
  await page.getByRole('button', { name: 'Run the check' }).click();
  const blocking = page.getByRole('region', { name: 'Must be mended' });
  await expect(blocking).toContainText('A link is still a placeholder');
  await expect(blocking).toContainText('https://[YOUR LINK]');
  await expect(page.getByRole('region', { name: 'Facts' })).toContainText('of 102 kB');
  await expectAccessible(page);

  const dialog = await openStart(page);
  await expect(dialog.getByText('1 thing must be mended first')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Send to 2 people' })).toBeDisabled();
  await expectAccessible(page);
  await dialog.getByRole('link', { name: 'Open the content' }).click();
  await expect(page.getByRole('tab', { name: 'Content', selected: true })).toBeVisible();

  await write(
    page,
    '<p>Hello <a href="https://example.org/">there</a></p><p><a href="{{ unsubscribe_url }}">Leave</a></p>',
  );
  await page.goto('/campaigns/1?tab=check');
  await expect(page.getByText('Changed since the last check')).toBeVisible();
  await page.getByRole('button', { name: 'Check again' }).click();
  const warnings = page.getByRole('region', { name: /^Warning/ });
  await expect(warnings).toContainText('A link leads to an example');
  await expect(page.getByText('Nothing blocks')).toBeVisible();

  await openStart(page);
  await expect(dialog.getByRole('button', { name: 'Send to 2 people' })).toBeDisabled();
  await dialog.getByRole('button', { name: 'Acknowledge: A link leads to an example' }).click();
  await expect(dialog.getByText('A link leads to an example')).toHaveCount(0);
  await acknowledgeAll(dialog);
  await dialog.getByRole('button', { name: 'Send to 2 people' }).click();
  // It waits for the usual seconds in which it can be taken back.
  await expect(page.getByText(/^Begins in \d/)).toBeVisible();
  await expect
    .poll(async () => (await (await page.request.get('/api/v1/inbox/messages')).json()).items.length, {
      timeout: 60_000,
    })
    .toBe(2);
});

async function openStart(page: Page) {
  await page.getByRole('button', { name: 'Send…', exact: true }).click();
  return page.getByRole('dialog', { name: 'Send “Autumn letter” now?' });
}

/** Another program, or a person in another tab, writes the body. */
async function write(page: Page, html: string) {
  const campaign = await (await page.request.get('/api/v1/campaigns/1')).json();
  const { name, subject, from_email, list_ids, relay_ids } = campaign;
  const saved = await page.request.put('/api/v1/campaigns/1', {
    data: { name, subject, from_email, list_ids, relay_ids, html },
  });
  expect(saved.ok(), await saved.text()).toBe(true);
}
