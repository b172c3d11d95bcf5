import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { createFakeApi } from '@/test/fake-api';
import { renderPart } from '@/test/render';
import { RawMessage } from './raw-message';

const hostile = 'Subject: x\r\n\r\n<img src=x onerror="document.title=1"><script>document.title=1</script><b>bold</b>';

it('shows the message on demand, as text and nothing else', async () => {
  const fake = createFakeApi();
  fake.on('GET /reports/:id', () => ({ status: 200, body: { id: 7, has_raw: true, raw: hostile } }));
  const { container } = renderPart(<RawMessage report={{ id: 7, has_raw: true }} />, fake);
  expect(fake.requests.filter(({ path }) => path === '/reports/7')).toHaveLength(0);
  await userEvent.click(await screen.findByRole('button', { name: 'Message as received' }));
  const text = await screen.findByText((_, element) => element?.tagName === 'PRE' && element.textContent === hostile);
  expect(text.children).toHaveLength(0);
  expect(container.querySelector('img, script, b')).toBeNull();
  await userEvent.click(screen.getByRole('button', { name: 'Hide the message' }));
  expect(container.querySelector('pre')).toBeNull();
});

it('says when the message is kept no more', async () => {
  renderPart(<RawMessage report={{ id: 7, has_raw: false }} />, createFakeApi());
  expect(await screen.findByText('The message is not kept any more.')).toBeInTheDocument();
});
