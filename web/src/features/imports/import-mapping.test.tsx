import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { uploaded } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ImportMappingForm } from './import-mapping';

it('shows what was detected, and the rows with their problems', async () => {
  renderPart(<ImportMappingForm job={uploaded} />);
  expect(await screen.findByText('Separated by semicolon, the first row holds the names')).toBeInTheDocument();
  const bad = await screen.findByRole('row', { name: /not an address.*has no @/ });
  expect(within(bad).getByText('E-Mail: has no @')).toBeInTheDocument();
  expect(screen.getByText('2 of the first rows are fine, 1 would be rejected')).toBeInTheDocument();
});

it('starts with the mapping that is shown', async () => {
  const { fake } = renderPart(<ImportMappingForm job={uploaded} />);
  const name = await screen.findByRole('textbox', { name: 'Attribute name for column City' });
  await userEvent.clear(name);
  await userEvent.type(name, 'town');
  await userEvent.click(screen.getByRole('button', { name: 'Import into Newsletter' }));
  const sent = fake.requests.find((request) => request.path === '/imports/3/start');
  expect(sent?.body).toMatchObject({
    mapping: { columns: expect.arrayContaining([{ index: 2, target: 'attribute', attribute: 'town' }]) },
  });
});

it('does not start without a column for the address', async () => {
  const job = { ...uploaded, columns: uploaded.columns.map((column) => ({ ...column, suggested: null })) };
  renderPart(<ImportMappingForm job={job} />);
  expect(await screen.findByText('Choose which column holds the email address.')).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Import into Newsletter' })).toBeDisabled();
});
