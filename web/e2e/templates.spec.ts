import { expect, type Page } from '@playwright/test';
import { expectAccessible } from './accessible';
import { owner, test } from './service';

test.use({ instance: 'templates' });

/** 120 × 80 pixels of one colour. */
const BEACH =
  'iVBORw0KGgoAAAANSUhEUgAAAHgAAABQCAIAAABd+SbeAAAAg0lEQVR42u3QQQ0AAAgEoMtjWRPZzRbOBxsJSPVwIApEi0a0aNEWRItGtGjRFkSLRrRo0YgWjWjRohEtGtGiRSNaNKJFi0a0aESLFo1o0YgWLRrRohEtWjSiRSNatGhEi0a0aNGIFo1o0aIRLRrRokUjWjSiRYtGtGhEixaNaNGI/mMBqwfMKyK+310AAAAASUVORK5CYII=';

test('a template in MJML with a layout and an image of the library: preview, edit, compare, restore', async ({
  page,
}) => {
  await setUp(page);
  await makeLayout(page);
  await makeTemplate(page);
  await insertImage(page);
  await look(page);
  await edit(page);
  await resolveConflict(page);
  await compareAndRestore(page);
  await showUse(page);
});

async function setUp(page: Page) {
  await page.request.post('/api/v1/setup', { data: owner });
  await page.request.post('/api/v1/lists', { data: { name: 'Friends' } });
  const ada = { email: 'ada@example.net', name: 'Ada', list_ids: [1] };
  expect((await page.request.post('/api/v1/subscribers', { data: ada })).ok()).toBe(true);
}

async function makeLayout(page: Page) {
  await page.goto('/templates/new?role=layout');
  await page.getByRole('combobox', { name: 'Written in' }).click();
  await page.getByRole('option', { name: 'MJML' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('House');
  await page.getByRole('button', { name: 'Create layout' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'House' })).toBeVisible();
}

async function makeTemplate(page: Page) {
  await page.goto('/templates/new');
  await page.getByRole('combobox', { name: 'Written in' }).click();
  await page.getByRole('option', { name: 'MJML' }).click();
  await page.getByRole('combobox', { name: 'Layout' }).click();
  await page.getByRole('option', { name: 'House' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Spring');
  await page.getByRole('textbox', { name: 'Subject' }).fill('Spring, {{ subscriber.name }}');
  await page.getByRole('button', { name: 'Create template' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Spring' })).toBeVisible();
  // Version 1 has the layout around it: the way to leave is not in what was written.
  await expect(source(page)).not.toContainText('unsubscribe_url');
  await expect(preview(page).getByText('Unsubscribe')).toBeVisible();
}

async function insertImage(page: Page) {
  await source(page).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText('<mj-section><mj-column>');
  await page.getByRole('button', { name: 'Insert image' }).click();
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('dialog').getByRole('button', { name: 'Upload' }).click();
  const png = Buffer.from(BEACH, 'base64');
  const files = [
    { name: 'beach.png', mimeType: 'image/png', buffer: png },
    { name: 'logo.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') },
  ];
  await (await chooser).setFiles(files);
  await expect(page.getByText('Most mail programs do not show SVG')).toBeVisible();
  await page.getByRole('button', { name: 'Leave out logo.svg' }).click();
  await page.getByRole('textbox', { name: 'What beach.png shows' }).fill('A beach at "noon"');
  await page.getByRole('button', { name: 'Upload 1 file' }).click();
  await expect(source(page)).toContainText('alt="A beach at &quot;noon&quot;" width="120px" />');
  // The dialog gives the focus back when it has faded out.
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await source(page).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText('</mj-column></mj-section>');
  await expect(preview(page).getByRole('img', { name: 'A beach at "noon"' })).toBeVisible();
}

async function look(page: Page) {
  const pane = page.getByRole('region', { name: 'Preview' });
  await pane.getByRole('combobox', { name: 'Seen as' }).fill('ada');
  await page.getByRole('option', { name: 'ada@example.net' }).click();
  await expect(pane.getByText('Spring, Ada')).toBeVisible();
  await expect(preview(page).getByText('Hello Ada')).toBeVisible();
  await pane.getByText('Raw message').click();
  const headers = pane.getByRole('table', { name: 'Header fields' });
  await expect(headers.getByRole('row', { name: /^Subject Spring, Ada$/ })).toBeVisible();
  await expectAccessible(page);
  await pane.getByText('HTML', { exact: true }).click();
}

async function edit(page: Page) {
  await page.getByLabel('Note on this version').fill('With a beach');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByRole('button', { name: 'Version 2' })).toBeVisible();
  // What is wrong is said with its line.
  await page.keyboard.press('Escape');
  await source(page).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.insertText('\n<mj-nonsense />');
  await expect(page.getByRole('list', { name: 'Notes on this mail' })).toContainText(/line \d+: .*mj-nonsense/);
  for (let i = 0; i < '\n<mj-nonsense />'.length; i++) await page.keyboard.press('Backspace');
  await expect(page.getByText('mj-nonsense')).toHaveCount(0);
}

async function resolveConflict(page: Page) {
  const id = page.url().split('/').at(-1);
  const theirs = await (await page.request.get(`/api/v1/templates/${id}`)).json();
  const { name, kind, layout_id, subject, html } = theirs;
  const saved = await page.request.put(`/api/v1/templates/${id}`, {
    data: { name, kind, layout_id, subject: `${subject}!`, html },
  });
  expect(saved.ok()).toBe(true);
  await page.getByLabel('Preview text').fill('Mine');
  await page.getByRole('button', { name: 'Save changes' }).click();
  const dialog = page.getByRole('dialog', { name: 'Somebody has saved meanwhile' });
  await expect(dialog).toContainText('Version 3 was saved by ada@example.org');
  await expect(dialog.getByRole('region', { name: 'Subject' })).toContainText('Added: Spring, {{ subscriber.name }}!');
  await dialog.getByRole('button', { name: 'Save mine over it' }).click();
  await expect(page.getByRole('button', { name: 'Version 4' })).toBeVisible();
}

async function compareAndRestore(page: Page) {
  await page.getByRole('button', { name: 'Version 4' }).click();
  const list = page.getByRole('list', { name: 'Versions' });
  await expect(list.getByRole('listitem')).toHaveCount(4);
  await expect(list).toContainText('With a beach');
  await list.getByRole('button', { name: 'What changed in version 2' }).click();
  const drawer = page.getByRole('dialog', { name: 'Version 2' });
  await expect(drawer.getByRole('region', { name: 'Body' })).toContainText('Added: <mj-section><mj-column><mj-image');
  await drawer.getByRole('button', { name: 'All versions' }).click();
  await list.getByRole('button', { name: 'What changed in version 1' }).click();
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('dialog', { name: 'Restore version 1?' }).getByRole('button', { name: 'Restore' }).click();
  await expect(page.getByRole('button', { name: 'Version 5', exact: true })).toBeVisible();
  await expect(source(page)).not.toContainText('mj-image');
}

async function showUse(page: Page) {
  await page.goto('/templates?role=layout');
  await expect(page.getByRole('row', { name: /House/ })).toContainText('Spring');
  await page.goto('/media');
  await page.getByRole('button', { name: 'Open beach.png' }).click();
  const drawer = page.getByRole('dialog', { name: 'File' });
  await expect(drawer.getByLabel('Alternative text')).toHaveValue('A beach at "noon"');
  await expect(drawer.getByRole('region', { name: 'Where it is used' })).toContainText('Nowhere.');
  await drawer.getByRole('button', { name: 'Delete' }).click();
  await page
    .getByRole('dialog', { name: /^Delete/ })
    .getByRole('button', { name: 'Delete' })
    .click();
  await expect(page.getByText('No files yet')).toBeVisible();
}

function source(page: Page) {
  return page.getByRole('textbox', { name: 'MJML source' });
}

function preview(page: Page) {
  return page.frameLocator('iframe[title="Preview of the mail"]');
}
