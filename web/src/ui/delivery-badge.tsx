import { useTranslation } from 'react-i18next';
import type { DeliveryState } from '@/api/types';
import { deliveryTone } from '@/lib/states';
import { StatusBadge } from './status-badge';

export function DeliveryBadge({ state }: { state: DeliveryState }) {
  const { t } = useTranslation();
  return <StatusBadge tone={deliveryTone[state]}>{t(`deliveries.state.${state}`)}</StatusBadge>;
}
