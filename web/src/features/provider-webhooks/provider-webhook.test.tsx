import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { WebhookSource } from '@/api/types';
import { createFakeApi, problem } from '@/test/fake-api';
import { webhookSources } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { SetUpCard } from './set-up-card';
import { TopicsCard } from './topics-card';

function source(provider: WebhookSource['provider']): WebhookSource {
  const found = webhookSources.find((one) => one.provider === provider);
  if (!found) throw new Error(`no fixture of ${provider}`);
  return found;
}

it('shows the address at its step and takes the key back', async () => {
  const { fake } = renderPart(<SetUpCard source={source('mailgun')} />);
  const user = userEvent.setup();
  expect(await screen.findByText(/hooks\/mailgun\/2\//)).toBeVisible();
  expect(screen.getByRole('button', { name: 'Copy Address' })).toBeVisible();
  await user.type(screen.getByLabelText(/^Key to check/), '0123456789abcdef');
  await user.click(screen.getByRole('button', { name: 'Save key' }));
  await waitFor(() => expect(screen.getByLabelText(/^Key to check/)).toHaveValue(''));
  const sent = fake.requests.find(({ method }) => method === 'PUT');
  expect(sent?.path).toBe('/webhook-sources/2');
  expect(sent?.body).toEqual({ name: 'Letters', signing_key: '0123456789abcdef' });
});

it('shows the server’s objection at the key', async () => {
  const fake = createFakeApi();
  fake.on('PUT /webhook-sources/:id', () =>
    problem(400, 'not like this', [{ location: 'body.signing_key', message: 'this is not the key' }]),
  );
  renderPart(<SetUpCard source={source('mailgun')} />, fake);
  const user = userEvent.setup();
  await user.type(await screen.findByLabelText(/^Key to check/), 'x');
  await user.click(screen.getByRole('button', { name: 'Save key' }));
  await waitFor(() =>
    expect(screen.getByLabelText(/^Key to check/)).toHaveAccessibleDescription(/this is not the key/),
  );
});

it('asks for no key where the provider does not sign, and for the public URL when there is no address', async () => {
  renderPart(<SetUpCard source={{ ...source('postmark'), url: null }} />);
  expect(await screen.findByText(/set the public URL/)).toBeVisible();
  expect(screen.queryByLabelText(/^Key to check/)).toBeNull();
});

it('warns of an address that providers will not take', async () => {
  renderPart(<SetUpCard source={{ ...source('postmark'), url: 'http://192.0.2.1/hooks/postmark/1/X' }} />);
  expect(await screen.findByText(/most of them want https/)).toBeVisible();
});

it('lets a topic in with one button', async () => {
  const { fake } = renderPart(<TopicsCard source={source('ses')} />);
  const arn = 'arn:aws:sns:eu-west-1:123456789012:bounces';
  await userEvent.setup().click(await screen.findByRole('button', { name: `Accept the topic ${arn}` }));
  await waitFor(() => expect(fake.requests.some(({ method }) => method === 'POST')).toBe(true));
  const sent = fake.requests.find(({ method }) => method === 'POST');
  expect(sent).toMatchObject({ path: '/webhook-sources/3/topics/accept', body: { arn } });
});
