import { expect } from '@playwright/test';
import { expectAccessible } from './accessible';
import { owner, test } from './service';

test.use({ instance: 'messages' });

test('messages that a program sends: how, the list, a story with its mail, and one taken back', async ({
  page,
  playwright,
}) => {
  await page.goto('/');
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(`/api/v1${path}`, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
    return answer.json();
  };
  await post('/setup', owner);
  const origin = new URL(page.url()).origin;
  const settings = await (await page.request.get('/api/v1/settings')).json();
  await page.request.put('/api/v1/settings', {
    data: { ...settings, public_url: origin, default_from_email: 'shop@example.org' },
  });
  await post('/templates', { name: 'Receipt', subject: 'Order {{ data.order }}', html: '<p>{{ data.total }}</p>' });
  const { key } = await post('/api-keys', { name: 'Shop', scopes: ['messages:send'] });

  await page.goto('/messages');
  await expect(page.getByText('No messages yet')).toBeVisible();
  const example = page.getByLabel('Example request', { exact: true });
  await expect(example).toContainText(`curl ${origin}/api/v1/messages`);
  await expectAccessible(page);

  // What the page says is sent as it stands, by a program with a key that may do nothing else.
  const body = JSON.parse(/-d '([^']*)'/.exec((await example.textContent()) ?? '')?.[1] ?? '');
  expect(Object.keys(body.data)).toEqual(['order', 'total']);
  body.data = { order: 'A-1', total: '12.00 €' };
  const program = await playwright.request.newContext({ extraHTTPHeaders: { Authorization: `Bearer ${key}` } });
  const send = (data: object, idempotency: string) =>
    program.post(`${origin}/api/v1/messages`, { data, headers: { 'Idempotency-Key': idempotency } });
  const first = await send(body, 'order-A-1');
  expect(first.status(), await first.text()).toBe(202);
  expect((await (await send(body, 'order-A-1')).json()).id).toBe((await first.json()).id);
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const waiting = { ...body, to: { email: 'bob@example.net' }, send_at: later, tags: ['reminder'] };
  expect((await send(waiting, 'reminder-A-1')).status()).toBe(202);
  await program.dispose();

  await page.reload();
  const list = page.getByRole('table', { name: 'Messages' });
  await expect(list.getByRole('row', { name: /ann@example.net/ })).toContainText('Sent');
  await expect(list.getByRole('row')).toHaveCount(3);
  await page.getByRole('searchbox', { name: 'Whole address of the recipient' }).fill('ann@example.net');
  await expect(list.getByRole('row')).toHaveCount(2);
  await list.getByRole('link', { name: 'ann@example.net' }).click();

  await expect(page.getByRole('heading', { level: 1, name: 'Message to ann@example.net' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'What happened' })).toContainText('Accepted by');
  const mail = page.getByRole('region', { name: 'The mail' });
  await expect(mail).toContainText('Order A-1');
  await expect(page.frameLocator('iframe[title="The mail"]').getByText('12.00 €')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Data' })).toContainText('"order": "A-1"');
  await expectAccessible(page);

  await page.goto('/messages?tag=reminder');
  await page.getByRole('link', { name: 'bob@example.net' }).click();
  await page.getByRole('button', { name: 'Cancel message' }).click();
  const dialog = page.getByRole('dialog', { name: 'Cancel the message to bob@example.net?' });
  await dialog.getByRole('button', { name: 'Cancel message' }).click();
  await expect(page.getByRole('region', { name: 'What happened' })).toContainText('cancelled');
  await expect(page.getByRole('button', { name: 'Cancel message' })).toHaveCount(0);
});
