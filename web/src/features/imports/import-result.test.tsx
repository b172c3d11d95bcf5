import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { importThatIs, uploaded } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ImportMoving } from './import-moving';
import { ImportResult } from './import-result';

it('shows a running import with counts and a way to stop it', async () => {
  renderPart(<ImportMoving job={importThatIs('running')} focus={false} />);
  const bar = await screen.findByRole('progressbar', { name: 'Progress of customers.csv' });
  expect(bar).toHaveAttribute('aria-valuenow', '64');
  expect(screen.getByText('64%')).toBeInTheDocument();
  expect(screen.getByText('8,400 rows')).toBeInTheDocument();
  // A screen reader hears the quarters only.
  expect(screen.getByRole('status')).toHaveTextContent('Importing: 50%');
  expect(screen.getByRole('button', { name: 'Stop import' })).toBeInTheDocument();
});

it('tells of a check how much it has read', async () => {
  renderPart(<ImportMoving job={{ ...uploaded, status: 'checking', progress: 0.5 }} focus={false} />);
  expect(await screen.findByText('602 kB of 1.2 MB read')).toBeInTheDocument();
});

it('stops a check without asking, since it stores nothing', async () => {
  const { fake } = renderPart(<ImportMoving job={{ ...uploaded, status: 'checking' }} focus={false} />);
  await userEvent.click(await screen.findByRole('button', { name: 'Stop the check' }));
  await waitFor(() =>
    expect(fake.requests.some((one) => one.method === 'DELETE' && one.path === '/imports/3/check')).toBe(true),
  );
});

it('takes the focus to the heading when the step came by itself', async () => {
  renderPart(<ImportMoving job={importThatIs('running')} focus />);
  expect(await screen.findByRole('heading', { name: 'Importing' })).toHaveFocus();
});

it('shows what came of an import, with the rejected rows', async () => {
  renderPart(<ImportResult job={importThatIs('done')} focus={false} />);
  expect(
    await screen.findByRole('heading', { name: '12,124 people were imported into Newsletter' }),
  ).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Download errors' })).toHaveAttribute('href', '/api/v1/imports/1/errors.csv');
  expect(await screen.findByRole('row', { name: /Row 14 E-Mail not an address has no @/ })).toBeInTheDocument();
  expect(screen.getByText('How they agreed: “Sign-up form on our website”')).toBeInTheDocument();
});

it('undoes an import after saying what stays', async () => {
  const { fake } = renderPart(<ImportResult job={importThatIs('done')} focus={false} />);
  await userEvent.click(await screen.findByRole('button', { name: 'Undo this import' }));
  const dialog = await screen.findByRole('dialog', { name: 'Undo the import of readers.csv?' });
  expect(within(dialog).getByText(/The 12,004 people who came with it/)).toBeInTheDocument();
  expect(within(dialog).getByText(/unsubscribed in the meantime/)).toBeInTheDocument();
  expect(fake.requests.some((one) => one.path === '/imports/1/undo')).toBe(false);
  await userEvent.click(within(dialog).getByRole('button', { name: 'Undo for 12,124 people' }));
  await waitFor(() => expect(fake.requests.some((one) => one.path === '/imports/1/undo')).toBe(true));
});

it('lists whom an undo kept, and offers it no second time', async () => {
  renderPart(<ImportResult job={importThatIs('undone')} focus={false} />);
  expect(await screen.findByRole('heading', { name: 'The import was undone' })).toBeInTheDocument();
  expect(
    await screen.findByRole('row', { name: /ada.lovelace@example.org The whole person on a list by other means/ }),
  ).toBeInTheDocument();
  expect(await screen.findByRole('row', { name: /grace.hopper@example.org City changed since/ })).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: /undo/i })).not.toBeInTheDocument();
});

it('says of a discarded file that nothing was stored', async () => {
  renderPart(<ImportResult job={{ ...uploaded, status: 'cancelled' }} focus={false} />);
  expect(
    await screen.findByRole('heading', { name: 'The file was discarded; nothing of it was stored' }),
  ).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: /undo/i })).not.toBeInTheDocument();
});
