import { useTranslation } from 'react-i18next';
import type { CampaignStatus } from '@/api/types';
import { campaignTone } from '@/lib/states';
import { StatusBadge } from './status-badge';

export function CampaignBadge({ status }: { status: CampaignStatus }) {
  const { t } = useTranslation();
  return <StatusBadge tone={campaignTone[status]}>{t(`campaigns.status.${status}`)}</StatusBadge>;
}
