import { useEffect, useRef, useState } from 'react';
import { apiUrl } from './client';

/**
 * Follows a server-sent "progress" stream while enabled. Returns whether the stream is up; when it is not, the caller polls.
 * The browser reconnects by itself; the stream is closed when `enabled` turns false, which the caller does at a final state.
 */
export function useProgress<T>(path: string, enabled: boolean, onProgress: (data: T) => void): boolean {
  const [connected, setConnected] = useState(false);
  const handler = useRef(onProgress);
  useEffect(() => {
    handler.current = onProgress;
  });
  useEffect(() => {
    if (!enabled || typeof EventSource === 'undefined') return;
    const source = new EventSource(apiUrl(path));
    source.addEventListener('open', () => setConnected(true));
    source.addEventListener('error', () => setConnected(false));
    source.addEventListener('progress', (event) =>
      handler.current(JSON.parse((event as MessageEvent<string>).data) as T),
    );
    return () => {
      source.close();
      setConnected(false);
    };
  }, [path, enabled]);
  return connected;
}
