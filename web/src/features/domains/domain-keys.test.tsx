import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { DkimKey, Domain } from '@/api/types';
import { domains } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { CheckCard } from './check-card';
import { DomainKeys } from './domain-keys';

const domain = domains[0] as Domain;
const only = (...keys: Partial<DkimKey>[]): Domain => ({
  ...domain,
  keys: keys.map((key, i) => ({ ...(domain.keys[2] as DkimKey), id: i + 1, selector: `k${i + 1}`, ...key })),
});

it('says of every key what its state means and offers what can be done', async () => {
  renderPart(<DomainKeys domain={domain} />);
  const waiting = within(await screen.findByRole('region', { name: 'pr3m7aa' }));
  expect(waiting.getByText('Waiting for DNS')).toBeInTheDocument();
  expect(waiting.getByText(/Signs nothing until its record is seen/)).toBeInTheDocument();
  const signing = within(screen.getByRole('region', { name: 'pr2k3xq' }));
  expect(signing.getByText('Signing')).toBeInTheDocument();
  expect(signing.getByRole('button', { name: 'Retire key pr2k3xq' })).toBeInTheDocument();
  const retired = within(screen.getByRole('region', { name: 'pr1abcd' }));
  expect(retired.getByText(/Keep its record in DNS until/)).toBeInTheDocument();
  expect(retired.queryByRole('button')).not.toBeInTheDocument();
  // One key waits at a time.
  expect(screen.queryByRole('button', { name: 'Rotate key' })).not.toBeInTheDocument();
});

it('keeps the last RSA key and tells of the first one that it signs already', async () => {
  renderPart(<DomainKeys domain={only({ algorithm: 'rsa2048', status: 'pending' })} />);
  expect(await screen.findByText(/campaigns do not start until its record is seen/)).toBeInTheDocument();
  expect(screen.queryByRole('button', { name: 'Retire key k1' })).not.toBeInTheDocument();
});

it('says when the record of a retired key may go', async () => {
  const over = new Date(Date.now() - 1000).toISOString();
  renderPart(<DomainKeys domain={only({ status: 'active' }, { status: 'retired', keep_until: over })} />);
  expect(await screen.findByText(/may be removed from DNS/)).toBeInTheDocument();
});

it('makes a new key after asking', async () => {
  const { fake } = renderPart(<DomainKeys domain={only({ status: 'active' })} />);
  await userEvent.click(await screen.findByRole('button', { name: 'Rotate key' }));
  const dialog = await screen.findByRole('dialog');
  expect(fake.requests.filter((request) => request.method === 'POST')).toHaveLength(0);
  await userEvent.click(within(dialog).getByRole('button', { name: 'Rotate key' }));
  expect(fake.requests.find((request) => request.method === 'POST')?.body).toEqual({ algorithm: 'rsa2048' });
});

it('shows what is there and what should be, and nothing to copy when all is well', async () => {
  const find = (status: string) => domain.checks.find((one) => one.status === status) as Domain['checks'][number];
  renderPart(
    <>
      <CheckCard check={find('different')} />
      <CheckCard check={find('ok')} />
    </>,
  );
  const wrong = within(await screen.findByRole('region', { name: 'SPF' }));
  expect(wrong.getByText('v=spf1 ip4:203.0.113.10 ~all')).toBeInTheDocument();
  expect(wrong.getByText('v=spf1 ip4:203.0.113.10 include:_spf.google.com ~all')).toBeInTheDocument();
  expect(wrong.getByRole('button', { name: 'Copy value of the SPF record' })).toBeInTheDocument();
  const right = within(screen.getByRole('region', { name: 'DKIM' }));
  expect(right.getByText('Right')).toBeInTheDocument();
  expect(right.queryByText('Should be')).not.toBeInTheDocument();
});
