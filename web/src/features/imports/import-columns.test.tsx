import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it, vi } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { uploaded } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ImportColumns } from './import-columns';

beforeEach(() => sessionStorage.clear());

const show = (job = uploaded, fake = createFakeApi()) =>
  renderPart(<ImportColumns job={job} focus={false} onChecking={() => {}} />, fake);

async function pick(column: string, option: string | RegExp) {
  await userEvent.click(await screen.findByRole('combobox', { name: `What column ${column} becomes` }));
  await userEvent.click(await screen.findByRole('option', { name: option }));
}

async function dayFirst() {
  await userEvent.click(await screen.findByRole('combobox', { name: /How dates in Customer since are written/ }));
  await userEvent.click(await screen.findByRole('option', { name: /Day first/ }));
}

it('says how the file was read, and shows the letters that tell', async () => {
  show();
  expect(
    await screen.findByText(
      'Text in Windows-1252 (Western), 5 columns separated by semicolon, the first row holds their names.',
    ),
  ).toBeInTheDocument();
  const card = screen.getByRole('region', { name: 'How the file was read' });
  expect(within(card).getByText('Jürgen Müller')).toBeInTheDocument();
  expect(within(card).queryByRole('alert')).not.toBeInTheDocument();
});

it('offers other encodings when letters are garbled, and sends the one that is chosen', async () => {
  const columns = uploaded.columns.map((one) => ({ ...one, samples: one.samples.map((s) => s.replace('ö', 'Ã¶')) }));
  const { fake } = show({ ...uploaded, columns });
  expect(await screen.findByRole('alert')).toHaveTextContent('Some letters look garbled');
  await userEvent.click(await screen.findByRole('button', { name: 'Try UTF-8' }));
  await waitFor(() => expect(fake.requests.find((one) => one.method === 'PUT')).toBeDefined());
  expect(fake.requests.find((one) => one.method === 'PUT')).toMatchObject({
    path: '/imports/3/format',
    body: { encoding: 'utf-8' },
  });
});

it('offers the sheets of a workbook instead of an encoding', async () => {
  const format = { ...uploaded.format, kind: 'xlsx' as const, sheet: 'Members', sheets: ['Members', 'Old'] };
  show({ ...uploaded, format });
  await userEvent.click(await screen.findByRole('button', { name: 'Not right?' }));
  expect(screen.getByRole('combobox', { name: 'Sheet' })).toHaveValue('Members');
  expect(screen.queryByRole('combobox', { name: 'Encoding' })).not.toBeInTheDocument();
});

it('asks for the order of dates, and shows how one is read', async () => {
  show();
  expect(await screen.findByText('Say whether “03/04/2025” begins with the day or the month.')).toBeInTheDocument();
  await dayFirst();
  expect(screen.getByText(/03\/04\/2025 is read as .*April/)).toBeInTheDocument();
});

it('marks what was remembered, and shows the first rows with their problems', async () => {
  show();
  await dayFirst();
  expect(screen.getByText('As last time')).toBeInTheDocument();
  const bad = await screen.findByRole('row', { name: /not an address.*has no @/ });
  expect(within(bad).getByText('E-Mail: has no @')).toBeInTheDocument();
});

it('does not check without a word on consent, and goes to what is missing', async () => {
  const { fake } = show();
  await dayFirst();
  const check = screen.getByRole('button', { name: 'Check the whole file' });
  await userEvent.click(check);
  expect(await screen.findByText('Choose one: it decides who gets mail.')).toBeInTheDocument();
  await userEvent.click(screen.getByRole('radio', { name: 'Yes, they agreed to get mail like this' }));
  await userEvent.click(check);
  expect(await screen.findByText('Say in a few words how they agreed.')).toBeInTheDocument();
  await waitFor(() => expect(screen.getByRole('textbox', { name: /How did these people agree/ })).toHaveFocus());
  expect(fake.requests.some((one) => one.path.endsWith('/check'))).toBe(false);
});

it('checks the mapping that is shown', async () => {
  const onChecking = vi.fn();
  const { fake } = renderPart(<ImportColumns job={uploaded} focus={false} onChecking={onChecking} />);
  await dayFirst();
  await pick('internal id', 'New field');
  const name = screen.getByRole('textbox', { name: 'Name of the new field for column internal id' });
  await userEvent.clear(name);
  await userEvent.type(name, 'no');
  await userEvent.click(screen.getByRole('radio', { name: 'Yes, they agreed to get mail like this' }));
  await userEvent.click(screen.getByRole('button', { name: 'Sign-up form on our website' }));
  await userEvent.click(screen.getByRole('button', { name: 'Check the whole file' }));
  await waitFor(() => expect(onChecking).toHaveBeenCalled());
  expect(fake.requests.find((one) => one.path === '/imports/3/check')?.body).toEqual({
    mapping: {
      status: 'subscribed',
      columns: [
        { index: 0, target: 'email' },
        { index: 1, target: 'name' },
        { index: 2, target: 'attribute', attribute: 'city', type: 'text', date_order: '' },
        { index: 3, target: 'attribute', attribute: 'customer_since', type: 'date', date_order: 'dmy' },
        { index: 4, target: 'attribute', attribute: 'no', type: 'text', date_order: '' },
      ],
    },
  });
});

it('needs no word on consent for people who confirm first', async () => {
  const { fake } = show();
  await dayFirst();
  await userEvent.click(screen.getByRole('radio', { name: 'Not yet, they have to confirm first' }));
  await userEvent.click(screen.getByRole('button', { name: 'Check the whole file' }));
  await waitFor(() => expect(fake.requests.some((one) => one.path.endsWith('/check'))).toBe(true));
});

it('says at once that no column holds addresses', async () => {
  const { fake } = show({ ...uploaded, columns: uploaded.columns.map((one) => ({ ...one, suggested: null })) });
  expect(await screen.findByText('Choose which column holds the email address.')).toBeInTheDocument();
  await userEvent.click(screen.getByRole('radio', { name: 'Not yet, they have to confirm first' }));
  await userEvent.click(screen.getByRole('button', { name: 'Check the whole file' }));
  expect(fake.requests.some((one) => one.path.endsWith('/check'))).toBe(false);
});

it('keeps what was chosen over a reload, unless the file is read in another way', async () => {
  const first = show();
  await dayFirst();
  first.unmount();
  const second = show();
  expect(await screen.findByRole('combobox', { name: /How dates in Customer since/ })).toHaveValue(
    'Day first (31/12/2025)',
  );
  second.unmount();
  const columns = uploaded.columns.map((one) => ({ ...one, samples: [...one.samples, ''] }));
  show({ ...uploaded, columns });
  expect(await screen.findByRole('combobox', { name: /How dates in Customer since/ })).toHaveValue('');
});
