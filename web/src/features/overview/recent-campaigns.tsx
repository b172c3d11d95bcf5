import { useTranslation } from 'react-i18next';
import type { CampaignOverview } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { CampaignBadge } from '@/ui/campaign-badge';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor } from '@/ui/link';
import { Section } from '@/ui/section';

export function RecentCampaigns({ recent }: { recent: CampaignOverview[] }) {
  const { t } = useTranslation();
  const columns: Column<CampaignOverview>[] = [
    {
      key: 'name',
      header: t('campaigns.campaign'),
      width: '40%',
      render: ({ campaign }) => (
        <LinkAnchor to="/campaigns/$id" params={{ id: String(campaign.id) }} className="link-strong">
          {campaign.name}
        </LinkAnchor>
      ),
    },
    { key: 'status', header: t('common.status'), render: ({ campaign }) => <CampaignBadge status={campaign.status} /> },
    { key: 'sent', header: t('chart.sent'), align: 'end', render: ({ stats }) => formatNumber(stats.sent) },
    {
      key: 'opens',
      header: t('campaigns.opened'),
      align: 'end',
      render: ({ stats }) => formatPercent(stats.unique_opens.human, stats.sent),
    },
    {
      key: 'clicks',
      header: t('campaigns.clicked'),
      align: 'end',
      render: ({ stats }) => formatPercent(stats.unique_clicks.human, stats.sent),
    },
    {
      key: 'bounced',
      header: t('chart.bounced'),
      align: 'end',
      render: ({ stats }) => formatPercent(stats.bounced, stats.recipients),
    },
  ];
  return (
    <Section title={t('overview.recent')} flush>
      <DataTable label={t('overview.recent')} columns={columns} rows={recent} rowKey={(row) => row.campaign.id} />
    </Section>
  );
}
