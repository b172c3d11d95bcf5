import { Problem, type ProblemBody, UNREACHABLE } from './problem';

const BASE = '/api/v1';

export type Query = Record<string, string | number | boolean | null | undefined>;
type PostOptions = {
  /** Sends an Idempotency-Key, so that repeating a request whose answer was lost does not create or send twice. */
  idempotent?: boolean;
  /** Ends a request whose answer nobody waits for any more. */
  signal?: AbortSignal;
};

export function apiUrl(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
  }
  const search = params.toString();
  return `${BASE}${path}${search ? `?${search}` : ''}`;
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) =>
    send<T>(apiUrl(path, query), { method: 'GET', signal: signal ?? null }),
  post: <T>(path: string, body?: unknown, options?: PostOptions) => sendBody<T>('POST', path, body, options),
  put: <T>(path: string, body: unknown) => sendBody<T>('PUT', path, body),
  del: <T = void>(path: string) => send<T>(apiUrl(path), { method: 'DELETE' }),
};

async function sendBody<T>(method: string, path: string, body: unknown, options: PostOptions = {}): Promise<T> {
  const headers: Record<string, string> = {};
  const text = body === undefined ? undefined : JSON.stringify(body);
  if (text !== undefined) headers['Content-Type'] = 'application/json';
  const request = `${path} ${text ?? ''}`;
  if (options.idempotent) headers['Idempotency-Key'] = keyFor(request);
  try {
    const answer = await send<T>(apiUrl(path), { method, headers, body: text ?? null, signal: options.signal ?? null });
    pendingKeys.delete(request);
    return answer;
  } catch (error) {
    // An answer, even a refusal, ends the request; only a lost one is worth repeating under the same key.
    if (error instanceof Problem && error.status !== UNREACHABLE) pendingKeys.delete(request);
    throw error;
  }
}

const pendingKeys = new Map<string, string>();

function keyFor(request: string): string {
  const known = pendingKeys.get(request);
  if (known) return known;
  // crypto.randomUUID exists in secure contexts only, and the interface may be opened over plain http in a private network.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  pendingKeys.set(request, key);
  return key;
}

async function send<T>(url: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(UNREACHABLE, { title: 'The server cannot be reached' });
  }
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, text);
  return (text ? JSON.parse(text) : undefined) as T;
}

function problemOf(status: number, text: string): Problem {
  try {
    return new Problem(status, JSON.parse(text) as ProblemBody);
  } catch {
    // A proxy in front of the server answers in HTML; its status is all we can tell.
    return new Problem(status, { title: `The server answered with status ${status}` });
  }
}

/** How much of an upload is out, in bytes. */
export type UploadProgress = { sent: number; total: number };

/** Uploads a form with progress, which fetch cannot report. An abort by the signal rejects with an AbortError. */
export function upload<T>(
  path: string,
  form: FormData,
  onProgress: (progress: UploadProgress) => void,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', apiUrl(path));
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress({ sent: event.loaded, total: event.total });
    };
    request.onerror = () => reject(new Problem(UNREACHABLE, { title: 'The server cannot be reached' }));
    request.onabort = () => reject(new DOMException('The upload was stopped', 'AbortError'));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as T);
      else reject(problemOf(request.status, request.responseText));
    };
    if (signal?.aborted) return request.onabort(new ProgressEvent('abort'));
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(form);
  });
}
