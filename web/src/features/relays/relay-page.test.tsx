import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createFakeApi, problem } from '@/test/fake-api';
import { renderPart } from '@/test/render';
import { NewRelayPage } from './relay-page';

async function choose(name: string) {
  const user = userEvent.setup();
  await user.click(await screen.findByRole('combobox', { name: 'Provider' }));
  await user.type(screen.getByRole('combobox', { name: 'Provider' }), name.slice(0, 12));
  await user.click(await screen.findByRole('option', { name }));
  return user;
}

it('fills the form from the provider and says what is needed there', async () => {
  renderPart(<NewRelayPage />);
  const user = await choose('Example Service');
  expect(screen.getByRole('textbox', { name: /^Host/ })).toHaveValue('smtp.service.example');
  expect(screen.getByRole('textbox', { name: 'User name' })).toHaveValue('apikey');
  expect(screen.getByText('Make an API key.')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Open service.example' })).toHaveAttribute(
    'href',
    'https://service.example/keys',
  );
  await user.click(screen.getByRole('combobox', { name: 'Region' }));
  await user.click(await screen.findByRole('option', { name: /EU/ }));
  expect(screen.getByRole('textbox', { name: /^Host/ })).toHaveValue('smtp.eu.service.example');
});

it('asks for what XOAUTH2 needs instead of a password', async () => {
  renderPart(<NewRelayPage />);
  await choose('Example Mailbox');
  expect(screen.getByLabelText('Refresh token')).toBeInTheDocument();
  expect(screen.getByRole('textbox', { name: 'Token URL' })).toHaveValue('https://mailbox.example/token');
  expect(screen.queryByLabelText('Password')).not.toBeInTheDocument();
  expect(screen.getByText(/3 connections, 500 per day/)).toBeVisible();
  expect(screen.getByRole('textbox', { name: 'Per day' })).toHaveValue('500');
});

it('shows the steps of a test with the words of the server and the remedy', async () => {
  const user = userEvent.setup();
  renderPart(<NewRelayPage />);
  await user.click(await screen.findByRole('button', { name: 'Test connection' }));
  expect(await screen.findByText('535 5.7.8 Error: authentication failed')).toBeVisible();
  expect(screen.getByText('Greeting')).toBeVisible();
  expect(screen.getByText(/app password here/)).toBeVisible();
});

it('shows what is wrong with the form at its fields, and brings the first one into view', async () => {
  const user = userEvent.setup();
  const fake = createFakeApi();
  fake.on('POST /relays/test', () =>
    problem(400, 'this relay cannot be used as it is', [
      { location: 'body.host', message: 'the host is missing' },
      { location: 'body.from', message: 'this is not an address' },
    ]),
  );
  renderPart(<NewRelayPage />, fake);
  await user.click(await screen.findByRole('button', { name: 'Test connection' }));
  const host = screen.getByRole('textbox', { name: /^Host/ });
  await waitFor(() => expect(host).toHaveAccessibleDescription(/the host is missing/));
  await waitFor(() => expect(host).toHaveFocus());
  expect(screen.getByText('this is not an address')).toBeVisible();
  expect(screen.getByRole('alert')).toHaveTextContent('Mend the marked fields above first.');
});

it('puts objections to the window and the warm-up at their fields, and goes to the first', async () => {
  const user = userEvent.setup();
  const fake = createFakeApi();
  fake.on('POST /relays', () =>
    problem(400, 'this relay cannot be used as it is', [
      { location: 'body.warmup.first', message: 'give the first day a number' },
      { location: 'body.window.days', message: 'choose at least one day' },
      { location: 'body.window.until', message: 'must be a time of day' },
    ]),
  );
  renderPart(<NewRelayPage />, fake);
  await user.type(await screen.findByRole('textbox', { name: /^Name( \*)?$/ }), 'Mine');
  await user.type(screen.getByRole('textbox', { name: /^Host/ }), 'smtp.example.org');
  await user.click(screen.getByRole('switch', { name: 'Send at certain times only' }));
  await user.click(screen.getByRole('switch', { name: 'Begin slowly' }));
  const first = screen.getByRole('textbox', { name: 'Messages on the first day' });
  await user.clear(first);
  await user.click(screen.getByRole('checkbox', { name: 'Fri' }));
  await user.click(screen.getByRole('button', { name: 'Add relay' }));
  await waitFor(() => expect(first).toHaveAccessibleDescription('give the first day a number'));
  await waitFor(() => expect(first).toHaveFocus());
  expect(screen.getByText('choose at least one day')).toBeVisible();
  expect(screen.getByRole('combobox', { name: 'Until' })).toHaveAccessibleDescription('must be a time of day');
  const sent = fake.requests.find(({ method, path }) => method === 'POST' && path === '/relays')?.body;
  expect(sent).toMatchObject({ window: { days: [1, 2, 3, 4], from: '08:00' }, warmup: { first: 0, percent: 30 } });
});

it('chooses all working days at once, and tells what the warm-up comes to', async () => {
  const user = userEvent.setup();
  renderPart(<NewRelayPage />);
  await user.click(await screen.findByRole('switch', { name: 'Send at certain times only' }));
  await user.click(screen.getByRole('button', { name: 'Every day' }));
  expect(screen.getByRole('checkbox', { name: 'Sun' })).toBeChecked();
  expect(screen.getByText('Open 70 hours a week.')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Working days' }));
  expect(screen.getByRole('checkbox', { name: 'Sun' })).not.toBeChecked();
  expect(screen.getByText('Open 50 hours a week.')).toBeVisible();
  await user.click(screen.getByRole('switch', { name: 'Begin slowly' }));
  expect(screen.getByText(/a limit per day says where it ends/)).toBeVisible();
  await user.type(screen.getByRole('textbox', { name: 'Per day' }), '50');
  expect(screen.getByText(/^Reaches 50 a day on/)).toBeVisible();
});

it('keeps which mail goes here folded away until it matters', async () => {
  const user = userEvent.setup();
  const { fake } = renderPart(<NewRelayPage />);
  const section = await screen.findByRole('region', { name: 'Which mail goes here' });
  expect(section).toHaveTextContent('Takes all mail. A usual share beside other relays.');
  expect(screen.queryByRole('radio', { name: 'It is a backup' })).not.toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Change', expanded: false }));
  await user.click(screen.getByRole('radio', { name: 'It is a backup' }));
  await user.type(screen.getByRole('combobox', { name: 'Only mail to these recipients' }), 'Google,Example.ORG{Enter}');
  await user.type(screen.getByRole('textbox', { name: /^Name( \*)?$/ }), 'Mine');
  await user.type(screen.getByRole('textbox', { name: /^Host/ }), 'smtp.example.org');
  await user.click(screen.getByRole('button', { name: 'Add relay' }));
  const sent = () => fake.requests.find(({ method, path }) => method === 'POST' && path === '/relays')?.body;
  await waitFor(() => expect(sent()).toBeDefined());
  expect(sent()).toMatchObject({ weight: 0, recipient_sites: ['google', 'example.org'], site_limits: null });
});

it('unfolds it for what the server objects to', async () => {
  const user = userEvent.setup();
  const fake = createFakeApi();
  fake.on('POST /relays', () =>
    problem(400, 'this relay cannot be used as it is', [
      { location: 'body.from_domains', message: '"x" is not a domain' },
    ]),
  );
  renderPart(<NewRelayPage />, fake);
  await user.type(await screen.findByRole('textbox', { name: /^Name( \*)?$/ }), 'Mine');
  await user.type(screen.getByRole('textbox', { name: /^Host/ }), 'smtp.example.org');
  await user.click(screen.getByRole('button', { name: 'Add relay' }));
  const field = await screen.findByRole('combobox', { name: 'Only mail From these domains' });
  await waitFor(() => expect(field).toHaveFocus());
  expect(screen.getByText('"x" is not a domain')).toBeVisible();
});
