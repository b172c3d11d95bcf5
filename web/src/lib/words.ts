import { useTranslation } from 'react-i18next';

/** Why a server did not take a message, in the words of the server's own table (sender/reply). */
const reasons = [
  'ok',
  'user_unknown',
  'mailbox_full',
  'mailbox_disabled',
  'greylisted',
  'rate_limited',
  'too_many_connections',
  'quota_exhausted',
  'blocked',
  'reputation',
  'auth_failed',
  'authentication',
  'policy',
  'spam_content',
  'content',
  'size',
  'tls_required',
  'sender_rejected',
  'relay_denied',
  'domain_not_found',
  'protocol',
  'system',
  'network',
  'unknown',
] as const;

const faults = ['none', 'recipient', 'receiver', 'reputation', 'content', 'account', 'us', 'network'] as const;

/** Gives reasons and faults in words for a person. A reason that this version does not know is shown as it is; of an unknown fault nothing is said. */
export function useWords() {
  const { t } = useTranslation();
  return {
    reason: (word: string | null | undefined) => {
      const known = reasons.find((one) => one === (word || 'unknown'));
      return known ? t(`reasons.${known}`) : (word ?? '').replaceAll('_', ' ');
    },
    fault: (word: string | null | undefined) => {
      const known = faults.find((one) => one === word);
      return known && known !== 'none' ? t(`faults.${known}`) : '';
    },
  };
}
