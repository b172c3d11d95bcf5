import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from '@playwright/test';
import { expectAccessible } from './accessible';
import { owner, test } from './service';

test.use({ instance: 'webhooks' });

type Got = { headers: IncomingHttpHeaders; body: string };

let receiver: Server;
let url: string;
const got: Got[] = [];
let answer = 200;

test.beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      got.push({ headers: request.headers, body });
      response.writeHead(answer);
      response.end('the shop is closed');
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/mail`;
});

test.afterAll(async () => {
  receiver.closeAllConnections();
  await new Promise((done) => receiver.close(done));
});

/** What Standard Webhooks tells a receiver to compute. */
function signature(secret: string, { headers, body }: Got): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

test('a webhook is made, tested, fails, and is sent again', async ({ page }) => {
  await page.request.post('/api/v1/setup', { data: owner });
  await page.goto('/webhooks');
  await page.getByRole('link', { name: 'Add a webhook' }).first().click();
  await page.getByRole('textbox', { name: 'Address' }).fill('nowhere');
  await page.getByRole('button', { name: 'Add webhook' }).click();
  await expect(page.getByText('must begin with https://').first()).toBeVisible();
  await expect(page.getByRole('textbox', { name: 'Address' })).toBeFocused();
  await page.getByRole('textbox', { name: 'Address' }).fill(url);
  await page.getByRole('textbox', { name: 'Note' }).fill('Shop');
  await page.getByRole('checkbox', { name: 'subscriber.suppressed' }).check();
  await page.getByRole('button', { name: 'Add webhook' }).click();
  const secret = (await page.getByText(/^whsec_/).textContent()) ?? '';
  await page.getByRole('link', { name: 'Go to the webhook' }).click();
  await expect(page.getByRole('heading', { name: 'Shop' })).toBeVisible();

  const test = page.getByRole('region', { name: 'Test' });
  await test.getByRole('button', { name: 'Send test' }).click();
  await expect(test.getByText('Delivered')).toBeVisible();
  expect(got).toHaveLength(1);
  expect(got[0]?.headers['webhook-signature']).toBe(got[0] && signature(secret, got[0]));

  answer = 500;
  await page.request.post('/api/v1/suppressions', { data: { email: 'bob@example.net' } });
  const log = page.getByRole('region', { name: 'Log', exact: true }).first();
  await expect(log.getByText('the endpoint answered 500')).toBeVisible();
  answer = 200;
  await log.getByRole('link', { name: /^subscriber\.suppressed/ }).click();
  const drawer = page.getByRole('dialog', { name: 'Message' });
  await expect(drawer.getByText('"email": "bob@example.net"').first()).toBeVisible();
  await expect(drawer.getByText('the shop is closed').first()).toBeVisible();
  await expectAccessible(page);
  await drawer.getByRole('button', { name: 'Send again' }).click();
  await expect(drawer.getByText('Delivered', { exact: true })).toBeVisible();
  await drawer.getByRole('button', { name: 'Close' }).click();
  const ids = new Set(got.slice(1).map((one) => one.headers['webhook-id']));
  expect(ids.size).toBe(1);

  await page.getByRole('tab', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Replace the secret' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replace the secret' }).click();
  await expect(page.getByText(/signs too until/)).toBeVisible();
  const second = (await page.getByText(/^whsec_/).textContent()) ?? '';
  await page.getByRole('tab', { name: 'Log' }).click();
  await test.getByRole('button', { name: 'Send test' }).click();
  await expect(log.getByText('webhook.test').nth(1)).toBeVisible();
  const last = got.at(-1) as Got;
  expect(last.headers['webhook-signature']).toBe(`${signature(second, last)} ${signature(secret, last)}`);
});
