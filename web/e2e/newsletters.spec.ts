import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { prepareMailing } from './mailing';
import { test } from './service';

test.use({ instance: 'newsletters' });

/** A site whose feed grows while the test goes on. */
class Site {
  items: { title: string; at: Date }[] = [];
  private server: Server = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'application/rss+xml').end(this.feed());
  });

  async open(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/feed.xml`;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  private feed(): string {
    const item = ({ title, at }: Site['items'][number]) =>
      `<item><title>${title}</title><guid>${title}</guid><link>https://garden.example/${encodeURIComponent(title)}</link>` +
      `<description>All about ${title}</description><pubDate>${at.toUTCString()}</pubDate></item>`;
    return `<?xml version="1.0"?><rss version="2.0"><channel><title>The Library Garden</title><link>https://garden.example/</link>${this.items.map(item).join('')}</channel></rss>`;
  }
}

const site = new Site();
test.afterAll(() => site.close());

test('a newsletter from a feed: its next runs, an issue that is edited, held, approved and delivered', async ({
  page,
  service,
}) => {
  site.items.push({ title: 'Old roses', at: new Date(Date.now() - 86_400_000) });
  const feed = await site.open();
  await prepareMailing(page, 2);
  await create(page, feed);
  await schedule(page);
  await settings(page);
  await activate(page);
  await openIssue(page);
  await edit(page);
  await hold(page);
  await approve(page);
  service.moveClock('6h5m');
  await delivered(page);
});

async function create(page: Page, feed: string) {
  await page.goto('/newsletters');
  await expect(page.getByText('No newsletters yet')).toBeVisible();
  await page.getByRole('link', { name: 'New newsletter' }).first().click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Garden weekly');
  await page.getByRole('textbox', { name: 'Address of the feed' }).fill(feed);
  await page.getByRole('button', { name: 'Create newsletter' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Garden weekly' })).toBeVisible();
}

async function schedule(page: Page) {
  const runs = page.getByRole('table', { name: 'The next ten runs' });
  await expect(runs.getByRole('row')).toHaveCount(11);
  await expect(page.getByText(/Every Monday at 9:00/).first()).toBeVisible();
  // A bad rule is named, and keeps what was typed.
  await choose(page, 'Repeats', 'By a rule of my own');
  await page.getByRole('textbox', { name: 'Rule' }).fill('FREQ=HOURLY');
  await expect(page.getByRole('alert')).toContainText('Rule:');
  await page.getByRole('button', { name: 'Last day of the month' }).click();
  await expect(
    page
      .getByText('last day of every month')
      .or(page.getByText(/last day of .*month at 9:00/i))
      .first(),
  ).toBeVisible();
  await choose(page, 'Repeats', 'Every day, or every few days');
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Auckland');
  await page.getByRole('option', { name: 'Pacific/Auckland' }).click();
  await expect(runs.getByRole('columnheader', { name: 'In Pacific/Auckland' })).toBeVisible();
  await expect(runs.getByRole('columnheader', { name: 'For you (Europe/Berlin)' })).toBeVisible();
  await expect(runs.getByRole('row')).toHaveCount(11);
  // The next run is in six hours, and its issue is prepared a day ahead of it: as soon as the newsletter is active.
  const inSixHours = new Date(Date.now() + 6 * 3_600_000);
  const time = inSixHours.toLocaleTimeString('en-GB', {
    timeZone: 'Pacific/Auckland',
    hour: '2-digit',
    minute: '2-digit',
  });
  await page.getByLabel('At', { exact: true }).fill(time);
  await expect(page.getByText(`Every day at ${time.replace(/^0/, '')}`).first()).toBeVisible();
  const fifth = runs.getByRole('row').nth(5);
  await fifth.getByRole('button', { name: /^Leave out/ }).click();
  await expect(fifth.getByText('Left out by the schedule')).toBeVisible();
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expectAccessible(page);
}

async function settings(page: Page) {
  await page.getByRole('tab', { name: 'Settings' }).click();
  await page.getByRole('switch', { name: "Each issue waits for somebody's approval" }).click();
  await page.getByRole('textbox', { name: 'From address' }).fill('garden@example.org');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('button', { name: 'Save changes' })).toBeDisabled();
  await page.getByRole('button', { name: 'Check now' }).click();
  await expect(page.getByRole('table', { name: 'Items of the source' })).toContainText('Old roses');
  await expect(page.getByText('Nothing would come now.')).toBeVisible();
}

async function activate(page: Page) {
  await page.getByRole('button', { name: 'Activate' }).click();
  const dialog = page.getByRole('dialog', { name: 'Activate “Garden weekly”?' });
  await expect(dialog).toContainText('counts as old');
  await dialog.getByRole('button', { name: 'Activate' }).click();
  await expect(page.getByRole('button', { name: 'Pause…' })).toBeVisible();
}

async function openIssue(page: Page) {
  await page.getByRole('tab', { name: 'Issues' }).click();
  const waiting = page.getByRole('table', { name: 'Issues' }).getByRole('row', { name: /there is nothing new/ });
  await expect(waiting).toHaveCount(1);
  site.items.push({ title: 'New tulips', at: new Date() });
  await waiting.getByRole('link').first().click();
  // It was prepared before there was anything new.
  await expect(page.getByRole('region', { name: 'No items' })).toBeVisible();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Prepare anew' }).click();
  await page
    .getByRole('dialog', { name: 'Prepare this issue anew?' })
    .getByRole('button', { name: 'Prepare anew' })
    .click();
  await expect(page.getByRole('region', { name: '1 item' }).getByText('New tulips')).toBeVisible();
  await expect(page.frameLocator('iframe').getByText('All about New tulips')).toBeVisible();
  await expectAccessible(page);
}

async function edit(page: Page) {
  await page.getByRole('button', { name: 'Edit this issue' }).click();
  await page.getByRole('textbox', { name: 'Subject' }).fill('Tulips are here');
  await page.getByRole('button', { name: 'Save this issue' }).click();
  await expect(page.getByRole('heading', { level: 2, name: 'Tulips are here' })).toBeVisible();
  await expect(page.getByText('Edited by hand; not gathered again.')).toBeVisible();
}

async function hold(page: Page) {
  await page.getByRole('button', { name: 'Hold' }).click();
  const dialog = page.getByRole('dialog', { name: 'Hold this issue?' });
  await dialog.getByRole('textbox', { name: 'Note' }).fill('wait for the photo');
  await dialog.getByRole('button', { name: 'Hold' }).click();
  await expect(page.getByText('wait for the photo').first()).toBeVisible();
  await act(page, 'Release');
}

async function approve(page: Page) {
  await act(page, 'Approve');
  await expect(page.getByText('Approved by ada@example.org')).toBeVisible();
}

async function act(page: Page, verb: string) {
  await page.getByRole('button', { name: verb }).click();
  await page
    .getByRole('dialog', { name: `${verb} this issue?` })
    .getByRole('button', { name: verb })
    .click();
}

async function delivered(page: Page) {
  await expect(page.getByRole('link', { name: 'Open the campaign' })).toBeVisible({ timeout: 40_000 });
  await expect(page.getByText('Sent', { exact: true }).first()).toBeVisible({ timeout: 40_000 });
  await page.goto('/inbox');
  const mail = page.getByRole('table', { name: 'Messages' }).getByText('Tulips are here');
  await expect(mail).toHaveCount(2);
  await mail.first().click();
  await expect(page.frameLocator('iframe').getByRole('link', { name: 'New tulips' })).toBeVisible();
  await expect(page.frameLocator('iframe').getByText('Old roses')).toHaveCount(0);
}

async function choose(page: Page, name: string, option: string) {
  await page.getByRole('combobox', { name }).click();
  await page.getByRole('option', { name: option }).click();
}
