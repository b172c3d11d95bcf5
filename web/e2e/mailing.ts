import { expect, type Locator, type Page } from '@playwright/test';
import { owner } from './service';

/** Sets the service up with a list of people and a campaign to them through the built-in inbox, From an address at example.org. */
export async function prepareMailing(page: Page, people: number, domain?: object) {
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(`/api/v1${path}`, { data });
    expect(answer.ok(), `${path}: ${await answer.text()}`).toBe(true);
  };
  await page.goto('/');
  await post('/setup', owner);
  const settings = await (await page.request.get('/api/v1/settings')).json();
  await page.request.put('/api/v1/settings', { data: { ...settings, public_url: new URL(page.url()).origin } });
  if (domain) await post('/domains', domain);
  await post('/lists', { name: 'Friends' });
  for (let i = 1; i <= people; i++) {
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

/** Waits for the check in the dialog that starts a campaign, and says of each of its warnings that it was seen. */
export async function acknowledgeAll(dialog: Locator) {
  const open = dialog.getByText(/warnings? wants? to be seen$/);
  await expect(open.or(dialog.getByText('Checked: nothing is in the way'))).toBeVisible();
  if (!(await open.isVisible())) return;
  const all = dialog.getByRole('button', { name: /^Acknowledge all/ });
  await all
    .or(dialog.getByRole('button', { name: /^Acknowledge: / }))
    .last()
    .click();
  await expect(dialog.getByText('Checked: nothing is in the way')).toBeVisible();
}
