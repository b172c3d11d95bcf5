import { useEffect, useState } from 'react';
import { formatDateTime, formatRelative, NONE } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';

/** "5 minutes ago" that keeps itself true, with the exact time on hover. */
export function RelativeTime({ at }: { at: string | null }) {
  const timeZone = useTimeZone();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  if (!at) return NONE;
  return (
    <time dateTime={at} title={formatDateTime(at, timeZone)}>
      {formatRelative(at, now)}
    </time>
  );
}

export function DateTime({ at }: { at: string | null }) {
  const timeZone = useTimeZone();
  if (!at) return NONE;
  return <time dateTime={at}>{formatDateTime(at, timeZone)}</time>;
}
