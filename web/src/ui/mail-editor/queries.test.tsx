import { useQuery } from '@tanstack/react-query';
import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import type { RenderRequest } from '@/api/types';
import { GeneralTab } from '@/features/settings/general-tab';
import { settings } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { renderQuery } from './queries';

function Shown() {
  const { data } = useQuery(renderQuery({ subject: 'News', html: '<p>Hi</p>', text: '' } as RenderRequest));
  return <output>{data?.subject}</output>;
}

it('is rendered anew when a setting has changed, which may stand in it', async () => {
  const { fake } = renderPart(
    <>
      <Shown />
      <GeneralTab settings={settings} />
    </>,
  );
  const rendered = () => fake.requests.filter(({ path }) => path === '/render').length;
  await screen.findByText('News');
  expect(rendered()).toBe(1);
  await userEvent.type(screen.getByLabelText(/^Name/), '!');
  await userEvent.click(screen.getByRole('button', { name: 'Save changes' }));
  await waitFor(() => expect(rendered()).toBe(2));
});
