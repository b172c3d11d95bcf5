import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { imports } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ImportProgress } from './import-progress';

const job = (status: string) => {
  const found = imports.find((one) => one.status === status);
  if (!found) throw new Error(`no import is ${status}`);
  return found;
};

it('shows a running import with counts and a way to stop it', async () => {
  renderPart(<ImportProgress job={job('running')} />);
  expect(await screen.findByRole('progressbar', { name: 'Progress of customers.csv' })).toHaveAttribute(
    'aria-valuenow',
    '64',
  );
  expect(screen.getByText('64%')).toBeInTheDocument();
  expect(screen.getByRole('button', { name: 'Stop import' })).toBeInTheDocument();
  expect(screen.queryByRole('link', { name: 'Download errors' })).not.toBeInTheDocument();
});

it('offers the rejected rows of a finished import', async () => {
  renderPart(<ImportProgress job={job('done')} />);
  expect(await screen.findByRole('link', { name: 'Download errors' })).toHaveAttribute(
    'href',
    '/api/v1/imports/1/errors.csv',
  );
  expect(await screen.findByRole('row', { name: /Row 14 E-Mail not an address has no @/ })).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: 'Stop import' })).not.toBeInTheDocument();
});
