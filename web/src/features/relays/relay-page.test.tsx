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
