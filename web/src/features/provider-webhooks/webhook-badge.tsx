import { useTranslation } from 'react-i18next';
import type { WebhookSource } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';
import { webhookState, webhookTone } from './webhook-state';

export function WebhookBadge({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  const state = webhookState(source);
  return <StatusBadge tone={webhookTone[state]}>{t(`providerWebhooks.state.${state}`)}</StatusBadge>;
}
