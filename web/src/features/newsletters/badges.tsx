import { useTranslation } from 'react-i18next';
import type { IssueState, NewsletterStatus } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';

const statusTone: Record<NewsletterStatus, Tone> = { draft: 'quiet', active: 'good', paused: 'warn', ended: 'quiet' };
const stateTone: Record<IssueState, Tone> = {
  preparing: 'info',
  draft: 'warn',
  awaiting_approval: 'warn',
  ready: 'good',
  held: 'warn',
  sending: 'info',
  sent: 'good',
  skipped: 'quiet',
};

export function NewsletterBadge({ status }: { status: NewsletterStatus }) {
  const { t } = useTranslation();
  return <StatusBadge tone={statusTone[status]}>{t(`newsletters.status.${status}`)}</StatusBadge>;
}

export function IssueBadge({ state }: { state: IssueState }) {
  const { t } = useTranslation();
  return <StatusBadge tone={stateTone[state]}>{t(`newsletters.state.${state}`)}</StatusBadge>;
}
