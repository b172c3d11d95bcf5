import { Drawer, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ReportWithRaw } from '@/api/types';
import { reportQuery } from '@/features/reports/queries';
import { subscriberQuery } from '@/features/subscribers/queries';
import { LinkButton } from '@/ui/link';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { SuppressionBanner } from '@/ui/suppression-banner';
import { kindTone } from './kinds';
import { ReportFacts } from './report-facts';

/** One report, with the ways to the delivery, the person and the suppression. */
export function ReportDrawer({ id, onClose }: { id: number | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const query = useQuery({ ...reportQuery(id ?? 0), enabled: id !== undefined });
  return (
    <Drawer opened={id !== undefined} onClose={onClose} position="right" size="lg" title={t('reports.details')}>
      <QueryView query={query}>{(report) => <Details report={report} />}</QueryView>
    </Drawer>
  );
}

function Details({ report }: { report: ReportWithRaw }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text fz="lg" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {report.address || report.source}
        </Text>
        <StatusBadge tone={kindTone[report.kind]}>{t(`reports.kind.${report.kind}`)}</StatusBadge>
      </Group>
      <Text size="sm" c="dimmed">
        <DateTime at={report.at} /> · {t('story.by', { source: report.source })}
      </Text>
      <Group gap="xs">
        {report.campaign_id !== null && report.seq !== null && (
          <LinkButton
            size="xs"
            variant="default"
            to="/campaigns/$id/deliveries/$seq"
            params={{ id: String(report.campaign_id), seq: String(report.seq) }}
          >
            {t('reports.openDelivery')}
          </LinkButton>
        )}
        {report.subscriber_id !== null && (
          <LinkButton size="xs" variant="default" to="/subscribers/$id" params={{ id: String(report.subscriber_id) }}>
            {t('reports.openPerson')}
          </LinkButton>
        )}
        {report.action === 'unmatched' && (
          <LinkButton size="xs" variant="default" to="/suppressions">
            {t('reports.suppress')}
          </LinkButton>
        )}
      </Group>
      {report.action === 'unmatched' && <Text size="sm">{t('reports.unmatchedHint')}</Text>}
      {report.subscriber_id !== null && <Suppressed subscriberId={report.subscriber_id} />}
      <ReportFacts report={report} />
    </Stack>
  );
}

// The person may be deleted by now; then there is nothing to lift.
function Suppressed({ subscriberId }: { subscriberId: number }) {
  const query = useQuery({ ...subscriberQuery(subscriberId), retry: false });
  return query.data ? <SuppressionBanner subscriber={query.data} /> : null;
}
