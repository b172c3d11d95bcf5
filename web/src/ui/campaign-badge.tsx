import { useTranslation } from 'react-i18next';
import type { CampaignStatus } from '@/api/types';
import { campaignTone } from '@/lib/states';
import { StatusBadge } from './status-badge';

/** starting: in its last seconds before the start, when it is scheduled only for the server. */
export function CampaignBadge({ status, starting = false }: { status: CampaignStatus; starting?: boolean }) {
  const { t } = useTranslation();
  if (starting) return <StatusBadge tone="info">{t('campaigns.starting')}</StatusBadge>;
  return <StatusBadge tone={campaignTone[status]}>{t(`campaigns.status.${status}`)}</StatusBadge>;
}
