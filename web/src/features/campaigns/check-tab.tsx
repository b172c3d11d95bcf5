import { Alert, Button, Grid, Group, Paper, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconRefresh, IconShieldCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign, Preflight } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { EmptyState } from '@/ui/empty-state';
import { ErrorState } from '@/ui/error-state';
import { keepsLines } from '@/ui/mail-editor/kinds';
import { fieldsUseQuery } from '@/ui/mail-editor/queries';
import { CheckProgress } from '@/ui/preflight/check-progress';
import { Fact, ReportFacts, ReportLinks } from '@/ui/preflight/report-facts';
import { ReportView } from '@/ui/preflight/report-view';
import { useCheck } from '@/ui/preflight/use-check';
import { QueryView } from '@/ui/query-view';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { StatusBadge } from '@/ui/status-badge';
import { audienceQuery, forecastQuery } from './queries';

type Props = { campaign: Campaign; dirty: boolean; saveThen: (act: () => void) => void };

/** Everything that can go wrong with a mailing, looked at before it is sent. */
export function CheckTab({ campaign, dirty, saveThen }: Props) {
  const { t } = useTranslation();
  const check = useCheck(campaign.id);
  const { run } = check;
  const start = () => saveThen(() => run.mutate());
  if (run.isPending) {
    return (
      <Paper p="md">
        <CheckProgress />
      </Paper>
    );
  }
  return (
    <Stack>
      {run.error && <ErrorState error={run.error} onRetry={start} />}
      <QueryView query={check.query}>
        {(report) =>
          report ? (
            <Checked campaign={campaign} report={report} check={check} dirty={dirty} onRun={start} />
          ) : (
            <Paper>
              <EmptyState
                icon={IconShieldCheck}
                title={t('preflight.never')}
                text={t('preflight.neverText')}
                action={
                  <Button leftSection={<IconShieldCheck size={16} />} onClick={start}>
                    {t('preflight.run')}
                  </Button>
                }
              />
            </Paper>
          )
        }
      </QueryView>
    </Stack>
  );
}

type CheckedProps = {
  campaign: Campaign;
  report: Preflight;
  check: ReturnType<typeof useCheck>;
  dirty: boolean;
  onRun: () => void;
};

function Checked({ campaign, report, check, dirty, onRun }: CheckedProps) {
  const { t } = useTranslation();
  const old = report.content_changed || dirty;
  const open = report.unacknowledged;
  const { acknowledge } = check;
  return (
    <>
      <Paper p="md">
        <Group justify="space-between" gap="sm">
          <div>
            <Group gap="xs">
              <Counts report={report} />
            </Group>
            <Text size="sm" c="dimmed" mt={4}>
              {t('preflight.ran', { by: report.ran_by, count: report.samples })} <RelativeTime at={report.ran_at} />
            </Text>
          </div>
          <Button variant={old ? 'filled' : 'default'} leftSection={<IconRefresh size={16} />} onClick={onRun}>
            {t('preflight.again')}
          </Button>
        </Group>
      </Paper>
      {old && (
        <Alert
          variant="default"
          icon={<IconAlertTriangle color="var(--app-warn)" />}
          title={t('preflight.changed')}
          role="status"
        >
          {t(dirty ? 'preflight.changedUnsaved' : 'preflight.changedText')}
        </Alert>
      )}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 8 }}>
          <ReportView
            report={report}
            campaignId={campaign.id}
            exactLines={keepsLines(campaign.kind, campaign.layout_id)}
            busy={acknowledge.isPending}
            {...(!old && { onAcknowledge: (code: string) => acknowledge.mutate([code]) })}
            warningActions={
              !old &&
              open.length > 0 && (
                <Button
                  size="xs"
                  variant="default"
                  loading={acknowledge.isPending}
                  onClick={() => acknowledge.mutate(open)}
                >
                  {t('preflight.acknowledgeAll', { count: open.length })}
                </Button>
              )
            }
          />
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}>
          <ReportFacts report={report}>
            <SendingTime campaign={campaign} />
            <EmptyFields campaign={campaign} />
          </ReportFacts>
        </Grid.Col>
      </Grid>
      <ReportLinks links={report.links} />
    </>
  );
}

function Counts({ report }: { report: Preflight }) {
  const { t } = useTranslation();
  const { blocking, warning, info } = report.summary;
  return (
    <>
      {blocking > 0 ? (
        <StatusBadge tone="bad">{t('preflight.count.blocking', { count: blocking })}</StatusBadge>
      ) : (
        <StatusBadge tone="good">{t('preflight.count.noneBlocks')}</StatusBadge>
      )}
      {warning > 0 && <StatusBadge tone="warn">{t('preflight.count.warning', { count: warning })}</StatusBadge>}
      {info > 0 && <StatusBadge tone="info">{t('preflight.count.info', { count: info })}</StatusBadge>}
    </>
  );
}

/** When the last message will have gone out, if it were started now. */
function SendingTime({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const able = campaign.relay_ids.length > 0 && campaign.list_ids.length > 0;
  const { data } = useQuery({ ...forecastQuery(campaign.id), enabled: able, retry: false });
  if (!data) return null;
  return (
    <Fact name={t('preflight.time.title')}>
      {data.ends_at ? (
        <>
          <Text fw={600}>
            <DateTime at={data.ends_at} />
          </Text>
          <Text size="sm" c="dimmed">
            {t('preflight.time.text')}
          </Text>
        </>
      ) : (
        <Text size="sm">{t(data.decided_by ? 'preflight.time.never' : 'preflight.time.free')}</Text>
      )}
    </Fact>
  );
}

/** How many of the real recipients lack what the content shows. */
function EmptyFields({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const able = campaign.list_ids.length > 0;
  const fields = useQuery({ ...fieldsUseQuery(campaign.id, campaign.updated_at), enabled: able, retry: false });
  const audience = useQuery({ ...audienceQuery(campaign.id), enabled: able });
  if (!fields.data) return null;
  const all = audience.data?.mailable ?? 0;
  const lacking = fields.data.items.filter((one) => one.count > 0);
  return (
    <Fact name={t('preflight.fields.title')}>
      {lacking.length === 0 && <Text size="sm">{t('preflight.fields.none')}</Text>}
      {lacking.map((one) => (
        <Text key={one.field} size="sm" style={{ overflowWrap: 'anywhere' }}>
          <code className="mono">{one.field}</code>{' '}
          {t('preflight.fields.lack', { count: formatNumber(one.count), share: formatPercent(one.count, all) })}
        </Text>
      ))}
    </Fact>
  );
}
