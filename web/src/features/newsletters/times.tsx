import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** The zone of whoever looks, which need not be that of the newsletter or the organisation. */
export const viewerZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A moment with its day of the week: "Mon, Jan 4, 2027, 9:00 AM". */
export function formatMoment(at: string, timeZone: string): string {
  return new Intl.DateTimeFormat(undefined, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    timeZone,
  }).format(new Date(at));
}

/** A moment by the clocks of the newsletter, and by those of the viewer when they show something else. */
export function BothTimes({ at, zone }: { at: string; zone: string }) {
  const { t } = useTranslation();
  const there = formatMoment(at, zone);
  const here = formatMoment(at, viewerZone());
  return (
    <time dateTime={at} className="tabular">
      {there}
      {here !== there && (
        <Text span size="sm" c="dimmed" display="block">
          {t('newsletters.yourTime', { at: here })}
        </Text>
      )}
    </time>
  );
}
