import { screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { renderPart } from '@/test/render';
import { ImportSteps } from './import-steps';

it('ticks off what was done', async () => {
  renderPart(<ImportSteps current="import" />);
  expect(await screen.findAllByLabelText('done:')).toHaveLength(3);
  expect(screen.getByText('Import').closest('li')).toHaveAttribute('aria-current', 'step');
});

it('does not tick off a check that nobody made', async () => {
  renderPart(<ImportSteps current={null} unchecked />);
  expect(await screen.findByLabelText('left out:')).toBeInTheDocument();
  expect(screen.getByText('Check').closest('li')).toHaveAttribute('data-state', 'skipped');
  expect(screen.getAllByLabelText('done:')).toHaveLength(3);
});
