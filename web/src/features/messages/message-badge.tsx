import { useTranslation } from 'react-i18next';
import type { Message } from '@/api/types';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { DeliveryBadge } from '@/ui/delivery-badge';
import { StatusBadge } from '@/ui/status-badge';
import { scheduledFor } from './scheduled';

/** The state of a message; one that waits for its moment is scheduled, and was not put off. */
export function MessageBadge({ message }: { message: Message }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const at = scheduledFor(message, Date.now());
  if (!at) return <DeliveryBadge state={message.status} />;
  return <StatusBadge tone="info">{t('messages.scheduled', { at: formatDateTime(at, timeZone) })}</StatusBadge>;
}
