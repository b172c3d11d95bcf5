import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, it } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { renderPart } from '@/test/render';
import { ExclusionsTab } from './exclusions-tab';

it('does not say that nobody was left out where the search found nobody', async () => {
  const fake = createFakeApi();
  fake.on('GET /campaigns/:id/exclusions', ({ query }) => ({
    status: 200,
    body: {
      items: query.has('q') ? [] : [{ subscriber_id: 1, email: 'ada@example.org', reason: 'suppressed' }],
      next_cursor: null,
    },
  }));
  renderPart(<ExclusionsTab campaignId={3} excluded={222} />, fake);
  await screen.findByText('ada@example.org');
  await userEvent.type(screen.getByRole('searchbox'), 'x');
  expect(await screen.findByText('Nobody who was left out is like that')).toBeVisible();
  expect(screen.queryByText('Nobody was left out')).not.toBeInTheDocument();
});

function Growing() {
  const [excluded, setExcluded] = useState(1);
  return (
    <>
      <button type="button" onClick={() => setExcluded(2)}>
        One more
      </button>
      <ExclusionsTab campaignId={3} excluded={excluded} />
    </>
  );
}

it('reads the table again while more are left out', async () => {
  const { fake } = renderPart(<Growing />);
  const asked = () => fake.requests.filter(({ path }) => path === '/campaigns/3/exclusions').length;
  await waitFor(() => expect(asked()).toBe(1));
  await userEvent.click(screen.getByText('One more'));
  await waitFor(() => expect(asked()).toBe(2));
});
