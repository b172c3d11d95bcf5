import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { issue } from '@/test/fixtures';
import { renderPage } from '@/test/render';
import { issueQuery } from './queries';

// The page is large: looking by label and text takes a tenth of the time of looking by role.
const button = (text: string) => screen.getByText(text).closest('button') as HTMLButtonElement;

async function write() {
  const page = renderPage('/newsletters/1/issues/1');
  await screen.findByText('Edit this issue');
  await userEvent.click(button('Edit this issue'));
  await userEvent.type(await screen.findByLabelText('Subject'), '!');
  return page;
}

it('keeps what was being written when the issue begins to go out, and says so', async () => {
  const { fake, queryClient } = await write();
  fake.on('GET /issues/:id', () => ({ status: 200, body: { ...issue, state: 'sending' } }));
  await queryClient.invalidateQueries({ queryKey: issueQuery(1).queryKey });
  expect(await screen.findByText('Your last changes were not saved')).toBeInTheDocument();
  expect((screen.getByLabelText('Subject') as HTMLInputElement).value).toMatch(/!$/);
  expect(screen.queryByText('Save this issue')).not.toBeInTheDocument();
});

it('asks before what was written is thrown away', async () => {
  await write();
  await userEvent.click(button('Cancel'));
  await screen.findByText('Leave without saving?');
  expect(screen.getByLabelText('Subject')).toBeInTheDocument();
  await userEvent.click(button('Leave'));
  await waitFor(() => expect(screen.queryByLabelText('Subject')).not.toBeInTheDocument());
});
