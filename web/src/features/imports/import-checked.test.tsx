import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it, vi } from 'vitest';
import { checked } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ImportChecked } from './import-checked';

beforeEach(() => sessionStorage.clear());

const show = (job = checked, onBack = () => {}) =>
  renderPart(<ImportChecked job={job} focus={false} onBack={onBack} />);

it('says what would happen at a glance', async () => {
  show();
  expect(
    await screen.findByRole('heading', { name: '957 people would be imported into Newsletter' }),
  ).toBeInTheDocument();
  expect(screen.getByRole('button', { name: /^New 912/ })).toBeInTheDocument();
  expect(screen.getByRole('button', { name: /^Rejected 12/ })).toHaveAttribute('aria-expanded', 'false');
  expect(screen.getByText('Nobody who left comes back by an import: 14 people stay unsubscribed')).toBeInTheDocument();
  expect(screen.getByText('7 people are on the suppression list')).toBeInTheDocument();
  expect(
    screen.getByText(/3 look mistyped, 12 belong to an office .* 4 are of throw-away services/),
  ).toBeInTheDocument();
});

it('opens what would change, before and after', async () => {
  show();
  await userEvent.click(await screen.findByRole('button', { name: /^Changed 45/ }));
  const row = await screen.findByRole('row', { name: /barbara.liskov/ });
  expect(within(row).getByText('London').tagName).toBe('DEL');
  expect(within(row).getByText('Los Angeles').tagName).toBe('INS');
  // The field has a label, and yes and no are words.
  expect(row).toHaveTextContent(/City:.*vip: before: No.*after: Yes/);
  expect(row).toHaveTextContent(/On the list: before: nothing after: Subscribed/);
  expect(await screen.findByRole('row', { name: /radia.*City: before: nothing/ })).toBeInTheDocument();
});

it('opens the rejected rows with their file', async () => {
  show();
  await userEvent.click(await screen.findByRole('button', { name: /^Rejected 12/ }));
  expect(await screen.findByRole('row', { name: /Row 14 E-Mail not an address has no @/ })).toBeInTheDocument();
  expect(screen.getByRole('link', { name: 'Download errors' })).toHaveAttribute('href', '/api/v1/imports/4/errors.csv');
});

it('opens who stays unsubscribed, and closes it again', async () => {
  const { fake } = show();
  const button = await screen.findByRole('button', { name: 'Show: People who stay unsubscribed' });
  await userEvent.click(button);
  expect(await screen.findByRole('row', { name: /edsger@example.org/ })).toBeInTheDocument();
  expect(fake.requests.find((one) => one.path === '/imports/4/samples')?.query.get('kind')).toBe('unsubscribed');
  await userEvent.click(button);
  expect(screen.queryByRole('row', { name: /edsger/ })).not.toBeInTheDocument();
});

it('says in words why somebody is suppressed', async () => {
  show();
  await userEvent.click(await screen.findByRole('button', { name: 'Show: On the suppression list' }));
  expect(await screen.findByRole('row', { name: /linus.pauling@example.org Bounced/ })).toBeInTheDocument();
});

it('starts with the mapping that was checked and the words on consent', async () => {
  sessionStorage.setItem('postrider.import.4.consent', 'Spring fair, paper list');
  const { fake } = show();
  expect(await screen.findByText('How they agreed: “Spring fair, paper list”')).toBeInTheDocument();
  await userEvent.click(screen.getByRole('button', { name: 'Import 957 people into Newsletter' }));
  await waitFor(() => expect(fake.requests.some((one) => one.path === '/imports/4/start')).toBe(true));
  expect(fake.requests.find((one) => one.path === '/imports/4/start')?.body).toEqual({
    mapping: checked.check?.mapping,
    consent: 'Spring fair, paper list',
  });
});

it('asks for the words on consent where they are missing', async () => {
  const { fake } = show();
  await userEvent.click(await screen.findByRole('button', { name: 'Import 957 people into Newsletter' }));
  expect(await screen.findByText('Say in a few words how they agreed.')).toBeInTheDocument();
  expect(fake.requests.some((one) => one.path === '/imports/4/start')).toBe(false);
});

it('leads back to the columns, and has nothing to import where there is nothing new', async () => {
  const onBack = vi.fn();
  const check = checked.check && { ...checked.check, created: 0, updated: 0 };
  show({ ...checked, check }, onBack);
  expect(await screen.findByRole('button', { name: 'Nothing to import' })).toBeDisabled();
  await userEvent.click(screen.getByRole('button', { name: 'Change the columns' }));
  expect(onBack).toHaveBeenCalled();
});
