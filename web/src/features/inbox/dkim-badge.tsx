import { useTranslation } from 'react-i18next';
import type { InboxItem } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';

const tones: Record<InboxItem['dkim'], Tone> = { pass: 'good', fail: 'bad', none: 'quiet' };

export function DkimBadge({ dkim }: { dkim: InboxItem['dkim'] }) {
  const { t } = useTranslation();
  return <StatusBadge tone={tones[dkim]}>{t(`inbox.dkim.${dkim}`)}</StatusBadge>;
}
