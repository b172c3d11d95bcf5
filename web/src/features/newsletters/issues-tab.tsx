import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCalendarEvent, IconPlayerPause } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Issue, Newsletter, PlannedRun } from '@/api/types';
import { formatDate, formatDateTime, NONE } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { notifyError } from '@/ui/notify';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { IssueBadge } from './badges';
import { issuesQuery, rereadNewsletters, runsQuery, skipRun, unskipRun } from './queries';
import { RunNotes } from './run-notes';
import { SourceCheckButton } from './source-check';
import { BothTimes } from './times';

const POLL_MS = 5_000;
type Props = { newsletter: Newsletter };

/** What came and what comes: issues, runs, and how the source stands. */
export function IssuesTab({ newsletter }: Props) {
  const { t } = useTranslation();
  const zone = useTimeZone();
  return (
    <Stack>
      {newsletter.status === 'draft' && (
        <Alert
          variant="default"
          icon={<IconCalendarEvent color="var(--app-info)" />}
          title={t('newsletters.draftTitle')}
        >
          {t('newsletters.draftText')}
        </Alert>
      )}
      {newsletter.status === 'paused' && (
        <Alert
          variant="default"
          icon={<IconPlayerPause color="var(--app-warn)" />}
          title={t('newsletters.pausedTitle')}
        >
          {newsletter.resumes_at
            ? t('newsletters.resumesAt', { at: formatDateTime(newsletter.resumes_at, zone) })
            : t('newsletters.resumesByHand')}
          {newsletter.pause_note && <Text mt={4}>{t('newsletters.pauseNote', { note: newsletter.pause_note })}</Text>}
        </Alert>
      )}
      {newsletter.source.kind !== 'draft' && <SourceCard newsletter={newsletter} />}
      <IssuesCard newsletter={newsletter} />
      <RunsCard newsletter={newsletter} />
    </Stack>
  );
}

function SourceCard({ newsletter }: Props) {
  const { t } = useTranslation();
  const { source_error: error, source_failing_since: since, source_fetched_at: fetched, source } = newsletter;
  return (
    <Section
      title={t(`newsletters.source.${source.kind}`)}
      description={
        <>
          <span style={{ overflowWrap: 'anywhere' }}>{source.url}</span>
          {' · '}
          {fetched ? t('newsletters.lastRead') : t('newsletters.neverRead')} {fetched && <RelativeTime at={fetched} />}
        </>
      }
    >
      <Stack gap="sm">
        {error && (
          <Alert
            variant="default"
            icon={<IconAlertTriangle color="var(--app-bad)" />}
            title={t('newsletters.sourceTrouble')}
          >
            <Text>{error}</Text>
            {since && (
              <Text size="sm" c="dimmed">
                {t('newsletters.failingSince')} <RelativeTime at={since} />
              </Text>
            )}
          </Alert>
        )}
        <SourceCheckButton newsletter={newsletter} />
      </Stack>
    </Section>
  );
}

/** An issue as a link, by the date of its run. */
function IssueLink({ issue }: { issue: Issue }) {
  const { t } = useTranslation();
  const date = formatDate(`${issue.date}T12:00:00Z`, 'UTC');
  return (
    <LinkAnchor
      to="/newsletters/$id/issues/$issue"
      params={{ id: String(issue.newsletter_id), issue: String(issue.id) }}
      className="link-strong"
    >
      {issue.number > 0
        ? t('newsletters.issue.numbered', { number: issue.number, date })
        : t('newsletters.issue.of', { date })}
    </LinkAnchor>
  );
}

function IssuesCard({ newsletter }: Props) {
  const { t } = useTranslation();
  const cursor = useCursor(String(newsletter.id));
  const query = useQuery({ ...issuesQuery(newsletter.id, cursor.current), refetchInterval: POLL_MS });
  const columns: Column<Issue>[] = [
    { key: 'issue', header: t('newsletters.issue.one'), render: (row) => <IssueLink issue={row} /> },
    {
      key: 'state',
      header: t('common.status'),
      width: '34%',
      render: (row) => (
        <div>
          <IssueBadge state={row.state} />
          {row.reason && (
            <Text size="sm" c="dimmed" mt={2}>
              {row.reason}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'due',
      header: t('newsletters.issue.due'),
      render: (row) => <BothTimes at={row.started_at ?? row.run_at} zone={newsletter.schedule.zone} />,
    },
    {
      key: 'campaign',
      header: t('newsletters.issue.campaign'),
      render: (row) =>
        row.campaign_id && row.started_at ? (
          <LinkAnchor to="/campaigns/$id" params={{ id: String(row.campaign_id) }} className="link">
            {t('newsletters.issue.results')}
          </LinkAnchor>
        ) : (
          NONE
        ),
    },
  ];
  return (
    <Section flush title={t('newsletters.issues')} description={t('newsletters.issuesText')}>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState
              icon={IconCalendarEvent}
              title={t('newsletters.noIssues')}
              text={t('newsletters.noIssuesText')}
            />
          ) : (
            <>
              <DataTable label={t('newsletters.issues')} columns={columns} rows={page.items} rowKey={(row) => row.id} />
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} />
            </>
          )
        }
      </QueryView>
    </Section>
  );
}

function RunsCard({ newsletter }: Props) {
  const { t } = useTranslation();
  const query = useQuery({ ...runsQuery(newsletter.id), refetchInterval: POLL_MS });
  const zone = newsletter.schedule.zone;
  return (
    <Section flush title={t('newsletters.runs')} description={t('newsletters.runsText', { zone })}>
      <QueryView query={query}>
        {({ items }) =>
          items.length === 0 ? (
            <Text p="md" c="dimmed">
              {t('newsletters.schedule.none')}
            </Text>
          ) : (
            <DataTable<PlannedRun>
              label={t('newsletters.runs')}
              rows={items}
              rowKey={(run) => run.at}
              columns={[
                {
                  key: 'when',
                  header: t('newsletters.nextRun'),
                  render: (run) => (
                    <div style={{ opacity: run.out ? 0.75 : 1 }}>
                      <BothTimes at={run.at} zone={zone} />
                      <RunNotes run={run} before={items[items.indexOf(run) - 1]} />
                    </div>
                  ),
                },
                {
                  key: 'issue',
                  header: t('newsletters.issue.one'),
                  render: (run) => (run.issue ? <IssueLink issue={run.issue} /> : NONE),
                },
                {
                  key: 'act',
                  header: '',
                  align: 'end',
                  render: (run) => <SkipButton newsletter={newsletter} run={run} />,
                },
              ]}
            />
          )
        }
      </QueryView>
    </Section>
  );
}

/** Skips a date that has no issue yet, or takes a skip back; an issue is skipped on its own page. */
function SkipButton({ newsletter, run }: Props & { run: PlannedRun }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const settle = { onSuccess: () => rereadNewsletters(queryClient), onError: notifyError };
  const order = { id: newsletter.id, date: run.date };
  const skip = useMutation({ mutationFn: () => skipRun(order), ...settle });
  const unskip = useMutation({ mutationFn: () => unskipRun(order), ...settle });
  const date = formatDate(`${run.date}T12:00:00Z`, 'UTC');
  if (newsletter.status === 'draft') return null;
  const skipped = run.issue?.state === 'skipped' && run.issue.reason_code === 'person';
  if (run.out === 'skipped' || (skipped && !run.out)) {
    return (
      <Button
        size="compact-sm"
        variant="subtle"
        loading={unskip.isPending}
        aria-label={t('newsletters.unskipDate', { date })}
        onClick={() => unskip.mutate()}
      >
        {t('newsletters.unskip')}
      </Button>
    );
  }
  if (run.out || run.issue || newsletter.status === 'ended') return null;
  return (
    <Button
      size="compact-sm"
      variant="subtle"
      loading={skip.isPending}
      aria-label={t('newsletters.skipDate', { date })}
      onClick={() =>
        confirmAction({
          title: t('newsletters.skipTitle', { date }),
          body: t('newsletters.skipText'),
          confirm: t('newsletters.skip'),
          onConfirm: () => skip.mutate(),
        })
      }
    >
      {t('newsletters.skip')}
    </Button>
  );
}
