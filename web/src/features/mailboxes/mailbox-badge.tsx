import { useTranslation } from 'react-i18next';
import type { Mailbox } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';
import { mailboxState, mailboxTone } from './mailbox-state';

export function MailboxBadge({ mailbox }: { mailbox: Mailbox }) {
  const { t } = useTranslation();
  const state = mailboxState(mailbox, Date.now());
  return <StatusBadge tone={mailboxTone[state]}>{t(`mailboxes.badge.${state}`)}</StatusBadge>;
}
