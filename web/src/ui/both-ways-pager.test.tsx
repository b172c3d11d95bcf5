import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { Page } from '@/api/types';
import { usePosition } from '@/lib/use-position';
import { renderPart } from '@/test/render';
import { BothWaysPager } from './both-ways-pager';

const total = 1_000_000;

/** A list whose cursors are numbers: page n of nine. */
function List() {
  const position = usePosition('key');
  const { cursor, before, last } = position.at;
  const n = last ? 9 : cursor ? Number(cursor) + 1 : before ? Number(before) - 1 : 1;
  const page: Page<number> = { items: [n], next_cursor: n < 9 ? String(n) : null, total, total_exact: false };
  if (n > 1) page.prev_cursor = String(n);
  return (
    <>
      <output>{n}</output>
      <BothWaysPager position={position} page={page} />
    </>
  );
}

it('goes to both ends and back', async () => {
  renderPart(<List />);
  const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));
  const at = () => screen.getByRole('status').textContent;
  expect(await screen.findByText('Page 1, 1 of about 1,000,000')).toBeVisible();
  expect(screen.getByRole('button', { name: 'First page' })).toBeDisabled();
  await press('Next');
  await press('Next');
  expect(screen.getByText('Page 3, 1 of about 1,000,000')).toBeVisible();
  await press('Last page');
  expect(at()).toBe('9');
  expect(screen.getByText('Last page, 1 of about 1,000,000')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Next' })).toBeDisabled();
  await press('Previous');
  expect(at()).toBe('8');
  expect(screen.getByText('1 of about 1,000,000')).toBeVisible();
  await press('First page');
  expect(at()).toBe('1');
});
