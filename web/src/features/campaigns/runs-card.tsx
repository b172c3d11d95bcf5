import { Box, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign, CampaignSummary } from '@/api/types';
import { formatList, formatNumber, formatPercent, NONE } from '@/lib/format';
import { CampaignBadge } from '@/ui/campaign-badge';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor } from '@/ui/link';
import { DateTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { runsQuery } from './queries';

/** All runs of a campaign and what they came to together; nothing while there is one only. */
export function RunsCard({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const { data } = useQuery(runsQuery(campaign.id));
  const columns = useColumns(campaign.id);
  if (!data || data.items.length < 2) return null;
  const opens = data.items.some((run) => run.track_opens);
  const clicks = data.items.some((run) => run.track_clicks);
  return (
    <Box mb="md">
      <Section
        title={t('campaigns.again.runs')}
        description={t(opens || clicks ? 'campaigns.again.together' : 'campaigns.again.togetherReached', {
          reached: formatPercent(data.reached, data.recipients),
          people: formatNumber(data.reached),
          opened: opens ? formatPercent(data.opened, data.reached) : NONE,
          clicked: clicks ? formatPercent(data.clicked, data.reached) : NONE,
        })}
        flush
      >
        <DataTable label={t('campaigns.again.runs')} columns={columns} rows={data.items} rowKey={(row) => row.id} />
      </Section>
    </Box>
  );
}

function useColumns(current: number): Column<CampaignSummary>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'run',
      header: t('campaigns.again.run'),
      render: (row) => (
        <div>
          {row.id === current ? (
            <Text fw={600}>{t('campaigns.again.thisRun', { run: row.run_no })}</Text>
          ) : (
            <LinkAnchor to="/campaigns/$id" params={{ id: String(row.id) }} className="link-strong">
              {t('campaigns.again.number', { run: row.run_no })}
            </LinkAnchor>
          )}
          <Text size="sm" c="dimmed">
            {row.rerun_to.length > 0
              ? formatList(row.rerun_to.map((to) => t(`campaigns.again.short.${to as 'failed'}`)))
              : t('campaigns.again.short.all')}
          </Text>
        </div>
      ),
    },
    { key: 'status', header: t('common.status'), render: (row) => <CampaignBadge status={row.status} /> },
    {
      key: 'at',
      header: t('campaigns.when'),
      nowrap: true,
      render: (row) => <DateTime at={row.started_at ?? row.scheduled_at} />,
    },
    { key: 'sent', header: t('chart.sent'), align: 'end', render: (row) => formatNumber(row.stats.sent) },
    {
      key: 'opened',
      header: t('campaigns.opened'),
      align: 'end',
      render: (row) => (row.track_opens ? formatPercent(row.stats.unique_opens.human, row.stats.sent) : NONE),
    },
    {
      key: 'clicked',
      header: t('campaigns.clicked'),
      align: 'end',
      render: (row) => (row.track_clicks ? formatPercent(row.stats.unique_clicks.human, row.stats.sent) : NONE),
    },
  ];
}
