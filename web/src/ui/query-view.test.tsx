import { useQuery } from '@tanstack/react-query';
import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { api } from '@/api/client';
import { createFakeApi, problem } from '@/test/fake-api';
import { renderPart } from '@/test/render';
import { QueryView } from './query-view';

function Names() {
  const query = useQuery({
    queryKey: ['names'],
    queryFn: () => api.get<{ items: { name: string }[] }>('/lists'),
  });
  return <QueryView query={query}>{(page) => page.items.map((item) => item.name).join(', ')}</QueryView>;
}

it('shows the error in the server’s words, and the thing once a retry works', async () => {
  const fake = createFakeApi();
  let down = true;
  fake.on('GET /lists', () =>
    down ? problem(503, 'The database does not answer.') : { status: 200, body: { items: [{ name: 'Newsletter' }] } },
  );
  renderPart(<Names />, fake);
  expect(await screen.findByRole('alert')).toHaveTextContent('The database does not answer.');
  down = false;
  await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('Newsletter')).toBeInTheDocument();
});
