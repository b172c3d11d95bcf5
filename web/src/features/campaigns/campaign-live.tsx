import { Alert, Stack, Tabs, Text } from '@mantine/core';
import { IconPlayerPause } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useProgress } from '@/api/events';
import type { Campaign, CampaignProgress } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { isLive } from '@/lib/states';
import { CampaignBadge } from '@/ui/campaign-badge';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { TabList } from '@/ui/scroll-row';
import { AbReportTab } from './ab-report-tab';
import { DeliveriesTab } from './deliveries-tab';
import { ExclusionsTab } from './exclusions-tab';
import { stoppedByGuard } from './guard';
import { GuardBanner } from './guard-banner';
import { IssueNote } from './issue-note';
import { LiveActions } from './live-actions';
import { MailTab } from './mail-tab';
import { ProgressCard } from './progress-card';
import { applyProgress, campaignProgressPath, campaignQuery, statsQuery } from './queries';
import { ResultsTab } from './results-tab';
import { RunNote } from './run-note';
import { RunsCard } from './runs-card';
import { TimesCard } from './times-card';
import { UnconfirmedBanner } from './unconfirmed-banner';

const route = getRouteApi('/shell/campaigns/$id');
const tabs = ['results', 'ab', 'deliveries', 'exclusions', 'mail'] as const;
type Tab = (typeof tabs)[number];
/** How often to ask while the stream is down, and how often opens and clicks still trickle in after the end. */
const POLL_MS = 2_000;
const AFTER_MS = 30_000;

export function CampaignLive({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const live = isLive(campaign.status);
  const streaming = useProgress<CampaignProgress>(campaignProgressPath(campaign.id), live, (progress) => {
    applyProgress(queryClient, progress);
    if (!isLive(progress.campaign.status)) {
      void queryClient.invalidateQueries({ queryKey: ['campaigns', campaign.id] });
    }
  });
  const stats = useQuery({
    ...statsQuery(campaign.id),
    refetchInterval: (query) => {
      if (live) return streaming ? false : POLL_MS;
      // The last messages of a cancelled campaign may still be on the wire.
      return query.state.data && query.state.data.claimed > 0 ? POLL_MS : AFTER_MS;
    },
  });
  useQuery({ ...campaignQuery(campaign.id), refetchInterval: live && !streaming ? POLL_MS : false });
  const tab: Tab = tabs.find((name) => name === search.tab) ?? 'results';
  const openTab = (value: string | null) =>
    void navigate({ search: value && value !== 'results' ? { tab: value } : {}, replace: true });

  return (
    <>
      <PageHeader
        title={campaign.name}
        badge={<CampaignBadge status={campaign.status} />}
        back={
          <LinkAnchor to="/campaigns" className="link">
            {t('nav.campaigns')}
          </LinkAnchor>
        }
        description={
          <span>
            {campaign.subject} · {t('campaigns.startedAt')} <DateTime at={campaign.started_at} />
          </span>
        }
        actions={<LiveActions campaign={campaign} stats={stats.data} />}
      />
      <Stack>
        {stoppedByGuard(campaign) && <GuardBanner campaign={campaign} stats={stats.data} />}
        {live &&
          campaign.pause_reason &&
          !stoppedByGuard(campaign) &&
          !(campaign.status === 'running' && stats.data?.held_up) && (
            <Alert
              variant="default"
              icon={<IconPlayerPause color="var(--app-warn)" />}
              title={t(campaign.status === 'paused' ? 'campaigns.live.pausedTitle' : 'campaigns.live.heldUpTitle')}
            >
              <Text>{campaign.pause_reason}</Text>
            </Alert>
          )}
        {campaign.parent_id !== null && <RunNote campaign={campaign} />}
        {campaign.issue && <IssueNote issue={campaign.issue} status={campaign.status} />}
        <QueryView query={stats}>
          {(data) => (
            <>
              {data.unconfirmed > 0 && <UnconfirmedBanner campaign={campaign} count={data.unconfirmed} />}
              <ProgressCard campaign={campaign} stats={data} />
              <TimesCard campaign={campaign} stats={data} />
              <Tabs value={tab} onChange={openTab}>
                <TabList value={tab}>
                  <Tabs.Tab value="results">{t('campaigns.live.results')}</Tabs.Tab>
                  {campaign.ab_test && <Tabs.Tab value="ab">{t('campaigns.ab.tab')}</Tabs.Tab>}
                  <Tabs.Tab value="deliveries">
                    {t('campaigns.live.deliveries', { total: formatNumber(data.recipients) })}
                  </Tabs.Tab>
                  <Tabs.Tab value="exclusions">
                    {t('campaigns.live.exclusions', { total: formatNumber(data.excluded) })}
                  </Tabs.Tab>
                  <Tabs.Tab value="mail">{t('campaigns.live.mail')}</Tabs.Tab>
                </TabList>
                <Tabs.Panel value="results">
                  <RunsCard campaign={campaign} />
                  <ResultsTab campaign={campaign} stats={data} live={campaign.status === 'running'} />
                </Tabs.Panel>
                {campaign.ab_test && (
                  <Tabs.Panel value="ab">
                    <AbReportTab campaign={campaign} live={live} />
                  </Tabs.Panel>
                )}
                <Tabs.Panel value="deliveries">
                  <DeliveriesTab campaign={campaign} live={campaign.status === 'running'} />
                </Tabs.Panel>
                <Tabs.Panel value="exclusions">
                  <ExclusionsTab campaignId={campaign.id} excluded={data.excluded} />
                </Tabs.Panel>
                <Tabs.Panel value="mail">
                  <MailTab campaign={campaign} />
                </Tabs.Panel>
              </Tabs>
            </>
          )}
        </QueryView>
      </Stack>
    </>
  );
}
