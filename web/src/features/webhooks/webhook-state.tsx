import { useTranslation } from 'react-i18next';
import type { Webhook, WebhookMessage } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';

type State = 'ok' | 'failing' | 'resting' | 'off' | 'stopped';
const tones: Record<State, Tone> = { ok: 'good', failing: 'bad', resting: 'warn', off: 'quiet', stopped: 'bad' };

/** stopped is off by the program's decision, off by a person's. */
export function webhookState(webhook: Webhook, now = Date.now()): State {
  if (!webhook.enabled) return webhook.disabled_reason ? 'stopped' : 'off';
  if (webhook.failing_since) return 'failing';
  if (webhook.rest_until && Date.parse(webhook.rest_until) > now) return 'resting';
  return 'ok';
}

export function WebhookBadge({ webhook }: { webhook: Webhook }) {
  const { t } = useTranslation();
  const state = webhookState(webhook);
  return <StatusBadge tone={tones[state]}>{t(`webhooks.status.${state}`)}</StatusBadge>;
}

const messageTones: Record<WebhookMessage['status'], Tone> = { pending: 'info', delivered: 'good', failed: 'bad' };

export function MessageBadge({ status }: { status: WebhookMessage['status'] }) {
  const { t } = useTranslation();
  return <StatusBadge tone={messageTones[status]}>{t(`webhooks.state.${status}`)}</StatusBadge>;
}
