import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { templates } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { ConflictDialog } from './conflict-dialog';

const diff = (op: '-' | '+', text: string) => ({
  status: 200,
  body: {
    from: 2,
    to: 0,
    parts: [{ part: 'subject', hunks: [{ from_start: 1, to_start: 1, lines: [{ op, text }] }] }],
  },
});

it('shows what they changed, and what you wrote against it', async () => {
  const fake = createFakeApi();
  const theirs = { ...templates[0], version: 2 };
  const mine = { ...theirs, subject: 'Mine' };
  fake.on('GET /templates/:id/versions', () => ({ status: 200, body: { items: [], next_cursor: null } }));
  fake.on('GET /templates/:id/versions/:version/diff', () => diff('+', 'Theirs'));
  fake.on('POST /templates/:id/versions/:version/diff', ({ body }) => diff('+', (body as typeof mine).subject));
  const nothing = () => undefined;
  renderPart(
    <ConflictDialog
      began={1}
      theirs={theirs as never}
      mine={mine as never}
      onClose={nothing}
      onTakeTheirs={nothing}
      onSaveMine={nothing}
    />,
    fake,
  );
  expect(await screen.findByText('Theirs')).toBeInTheDocument();
  await userEvent.click(screen.getByRole('radio', { name: 'Yours against theirs' }));
  expect(await screen.findByText('Mine')).toBeInTheDocument();
  expect(screen.getByText(/what you wrote is lost/)).toBeInTheDocument();
});
