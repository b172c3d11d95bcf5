import { afterEach, describe, expect, it, vi } from 'vitest';
import { api, apiUrl } from './client';
import { Problem } from './problem';

afterEach(() => vi.unstubAllGlobals());

const keyOf = ([, init]: unknown[]) => ((init as RequestInit).headers as Record<string, string>)['Idempotency-Key'];

it('leaves empty filters out of the address', () => {
  expect(apiUrl('/subscribers', { q: '', list_id: 3, status: undefined })).toBe('/api/v1/subscribers?list_id=3');
});

describe('Idempotency-Key', () => {
  it('stays the same when the answer was lost, and changes after an answer', async () => {
    const fetch = vi
      .fn()
      .mockRejectedValueOnce(new TypeError('network'))
      .mockImplementation(async () => new Response('{}', { status: 200 }));
    vi.stubGlobal('fetch', fetch);
    const start = () => api.post('/campaigns/3/start', {}, { idempotent: true });
    await expect(start()).rejects.toMatchObject({ status: 0 });
    await start();
    await start();
    const [first, second, third] = fetch.mock.calls.map(keyOf);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });
});

describe('errors', () => {
  it('come as problems', async () => {
    const body = JSON.stringify({ title: 'Conflict', detail: 'campaign 3 was started', errors: [] });
    vi.stubGlobal('fetch', async () => new Response(body, { status: 409 }));
    await expect(api.post('/campaigns/3/start')).rejects.toMatchObject({
      status: 409,
      detail: 'campaign 3 was started',
    });
  });

  it('of a proxy that answers in HTML tell the status', async () => {
    vi.stubGlobal('fetch', async () => new Response('<html>Bad gateway</html>', { status: 502 }));
    await expect(api.get('/lists')).rejects.toThrow(Problem);
    await expect(api.get('/lists')).rejects.toThrow('502');
  });
});
