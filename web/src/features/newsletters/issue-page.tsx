import { Alert, Button, Grid, Group, Paper, Stack, Text, Timeline } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Campaign, IssueWhole, Newsletter } from '@/api/types';
import { campaignQuery, statsQuery } from '@/features/campaigns/queries';
import { applyProblem } from '@/lib/form-problem';
import { formatDate } from '@/lib/format';
import { doneCount } from '@/lib/states';
import { useFollow } from '@/lib/use-follow';
import { BegunNotice } from '@/ui/begun-notice';
import { CampaignBadge } from '@/ui/campaign-badge';
import { confirmLeave } from '@/ui/confirm';
import { DeliveryBar } from '@/ui/delivery-bar';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { type MailContent, MailEditor } from '@/ui/mail-editor/mail-editor';
import { renderQuery } from '@/ui/mail-editor/queries';
import { MailFrame } from '@/ui/mail-frame';
import { notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { Section } from '@/ui/section';
import { IssueBadge } from './badges';
import { contentOf } from './form';
import { IssueActions } from './issue-actions';
import { logRows, noteBeside } from './issue-log';
import { editIssue, issueQuery, newsletterQuery, rereadNewsletters } from './queries';
import { BothTimes } from './times';

const route = getRouteApi('/shell/newsletters/$id/issues/$issue');
const POLL_MS = 2_000;

/** One issue: where it stands, what is in it, and what can still be done with it. */
export function IssuePage() {
  const params = route.useParams();
  const issue = useQuery({ ...issueQuery(Number(params.issue)), refetchInterval: POLL_MS });
  const newsletter = useQuery(newsletterQuery(Number(params.id)));
  return (
    <QueryView query={issue}>
      {(one) => <QueryView query={newsletter}>{(of) => <Whole key={one.id} issue={one} newsletter={of} />}</QueryView>}
    </QueryView>
  );
}

type Props = { issue: IssueWhole; newsletter: Newsletter };
const over = ['sending', 'sent', 'skipped'];

function Whole({ issue, newsletter }: Props) {
  const { t } = useTranslation();
  const date = formatDate(`${issue.date}T12:00:00Z`, 'UTC');
  const title =
    issue.number > 0
      ? t('newsletters.issue.numbered', { number: issue.number, date })
      : t('newsletters.issue.of', { date });
  const started = issue.started_at !== null;
  return (
    <>
      <PageHeader
        title={title}
        badge={<IssueBadge state={issue.state} />}
        description={issue.reason || t(`newsletters.stateText.${issue.state}`)}
        back={
          <LinkAnchor to="/newsletters/$id" params={{ id: String(newsletter.id) }} className="link">
            {newsletter.name}
          </LinkAnchor>
        }
        actions={<IssueActions issue={issue} />}
      />
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 4 }} order={2}>
          <Stack>
            <TimesCard issue={issue} newsletter={newsletter} />
            {newsletter.source.kind === 'feed' && <ItemsCard issue={issue} />}
            <LogCard issue={issue} zone={newsletter.schedule.zone} />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 8 }} order={1}>
          <Stack>
            {issue.campaign_id && started && <Progress campaignId={issue.campaign_id} />}
            {issue.campaign_id ? (
              <Content issue={issue} campaignId={issue.campaign_id} />
            ) : (
              <Paper p="lg">
                <Text c="dimmed">{t('newsletters.issue.noContent')}</Text>
              </Paper>
            )}
          </Stack>
        </Grid.Col>
      </Grid>
    </>
  );
}

function TimesCard({ issue, newsletter }: Props) {
  const { t } = useTranslation();
  const { zone } = newsletter.schedule;
  const prepared = issue.log.find((entry) => ['draft', 'awaiting_approval', 'ready'].includes(entry.action))?.at;
  const waits = newsletter.source.kind === 'draft' || newsletter.rules.approval;
  const times = [
    ['prepared', prepared],
    ['deadline', waits ? issue.deadline : undefined],
    ['due', issue.run_at],
    ['lateUntil', over.includes(issue.state) ? undefined : issue.late_until],
    ['started', issue.started_at],
  ] as const;
  return (
    <Section title={t('newsletters.issue.times')} description={t('newsletters.inZone', { zone })}>
      <Stack gap="sm">
        {times.map(
          ([name, at]) =>
            at && (
              <Group key={name} justify="space-between" align="flex-start" gap="xs" wrap="nowrap">
                <Text c="dimmed">{t(`newsletters.issue.${name}`)}</Text>
                <div style={{ textAlign: 'end' }}>
                  <BothTimes at={at} zone={zone} />
                </div>
              </Group>
            ),
        )}
        {issue.approved_by && <Text size="sm">{t('newsletters.issue.approvedBy', { who: issue.approved_by })}</Text>}
        {issue.edited && <Text size="sm">{t('newsletters.issue.edited')}</Text>}
      </Stack>
    </Section>
  );
}

function ItemsCard({ issue }: { issue: IssueWhole }) {
  const { t } = useTranslation();
  const items = issue.items ?? [];
  return (
    <Section title={t('newsletters.issue.items', { count: items.length })}>
      {items.length === 0 ? (
        <Text c="dimmed">{t('newsletters.issue.noItems')}</Text>
      ) : (
        <Stack gap="xs">
          {items.map((item) => (
            <Text key={item.id} style={{ overflowWrap: 'anywhere' }}>
              {item.url ? (
                <a href={item.url} target="_blank" rel="noreferrer noopener" className="link">
                  {item.title || item.url}
                </a>
              ) : (
                item.title || item.id
              )}
            </Text>
          ))}
        </Stack>
      )}
    </Section>
  );
}

const actions = [
  'preparing',
  'draft',
  'awaiting_approval',
  'ready',
  'held',
  'sending',
  'sent',
  'skipped',
  'unskipped',
  'approved',
  'released',
  'prepare',
  'send_now',
  'edited',
  'kept',
] as const;

function LogCard({ issue, zone }: { issue: IssueWhole; zone: string }) {
  const { t } = useTranslation();
  return (
    <Section title={t('newsletters.issue.log')} description={t('newsletters.inZone', { zone })}>
      <Timeline bulletSize={12} lineWidth={2} color="gray" aria-label={t('newsletters.issue.log')}>
        {logRows(issue.log).map((entry) => {
          const known = actions.find((one) => one === entry.action);
          const title = known ? t(`newsletters.log.${known}`) : entry.action.replaceAll('_', ' ');
          const note = noteBeside(title, entry.note);
          return (
            <Timeline.Item key={`${entry.at} ${entry.action}`} title={title}>
              {note && <Text size="sm">{note}</Text>}
              <Text size="sm" c="dimmed">
                {entry.by || t('newsletters.log.program')}
              </Text>
              <Text size="sm" c="dimmed" component="div">
                <BothTimes at={entry.at} zone={zone} />
              </Text>
            </Timeline.Item>
          );
        })}
      </Timeline>
    </Section>
  );
}

function Progress({ campaignId }: { campaignId: number }) {
  const { t } = useTranslation();
  const campaign = useQuery({ ...campaignQuery(campaignId), refetchInterval: POLL_MS });
  const stats = useQuery({ ...statsQuery(campaignId), refetchInterval: POLL_MS });
  if (!campaign.data || !stats.data) return null;
  const done = doneCount(stats.data);
  return (
    <Section
      title={t('newsletters.issue.progress')}
      description={t('campaigns.live.doneOf', { done, recipients: stats.data.recipients })}
      actions={<CampaignBadge status={campaign.data.status} />}
    >
      <DeliveryBar stats={stats.data} label={t('campaigns.progressOf', { name: campaign.data.name })} legend />
      <LinkAnchor
        to="/campaigns/$id"
        params={{ id: String(campaignId) }}
        className="link"
        mt="sm"
        display="inline-block"
      >
        {t('newsletters.issue.openCampaign')}
      </LinkAnchor>
    </Section>
  );
}

function Content({ issue, campaignId }: { issue: IssueWhole; campaignId: number }) {
  const campaign = useQuery({ ...campaignQuery(campaignId), refetchInterval: POLL_MS });
  const [editing, setEditing] = useState(false);
  return (
    <QueryView query={campaign}>
      {(data) =>
        editing ? (
          <ContentEditor issue={issue} campaign={data} onDone={() => setEditing(false)} />
        ) : (
          <ContentView issue={issue} campaign={data} onEdit={() => setEditing(true)} />
        )
      }
    </QueryView>
  );
}

type ContentProps = { issue: IssueWhole; campaign: Campaign };

function ContentView({ issue, campaign, onEdit }: ContentProps & { onEdit: () => void }) {
  const { t } = useTranslation();
  const rendered = useQuery(
    renderQuery({ ...contentOf(campaign), campaign_id: campaign.id, scheme: 'light', images: 'on' }),
  );
  return (
    <Section
      flush
      title={rendered.data?.subject || campaign.subject || t('editor.noSubject')}
      description={t('newsletters.issue.previewText')}
      actions={
        !over.includes(issue.state) && (
          <Button variant="default" onClick={onEdit}>
            {t('newsletters.issue.edit')}
          </Button>
        )
      }
    >
      <QueryView query={rendered}>
        {(mail) =>
          mail.html ? (
            <MailFrame html={mail.html} title={t('editor.previewFrame')} height={600} />
          ) : (
            <Text p="md" style={{ whiteSpace: 'pre-wrap' }}>
              {mail.text}
            </Text>
          )
        }
      </QueryView>
    </Section>
  );
}

function ContentEditor({ issue, campaign, onDone }: ContentProps & { onDone: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<MailContent>({ initialValues: contentOf(campaign) });
  const taken = useFollow(form, contentOf(campaign));
  const begun = over.includes(issue.state);
  const dirty = form.isDirty();
  const save = useMutation({
    mutationFn: (content: MailContent) => editIssue({ id: issue.id, content }),
    onMutate: () => setProblem(null),
    onSuccess: async (saved, sent) => {
      taken(sent, sent);
      queryClient.setQueryData(issueQuery(saved.id).queryKey, saved);
      notifySuccess(t('common.saved'));
      await Promise.all([
        queryClient.invalidateQueries({ queryKey: campaignQuery(campaign.id).queryKey }),
        rereadNewsletters(queryClient),
      ]);
      onDone();
    },
    onError: (error) => setProblem(applyProblem({ ...form, getValues: () => ({ ...form.getValues() }) }, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
      <SaveGuard dirty={dirty && !save.isPending && !save.isSuccess} />
      <Stack>
        <FormAlert message={problem} />
        <BegunNotice begun={begun} dirty={dirty} text={t('newsletters.issue.begun')} onLeave={onDone} />
        {!begun && (
          <>
            <Alert variant="default" icon={<IconInfoCircle color="var(--app-info)" />}>
              {t(issue.approved_by ? 'newsletters.issue.editApproved' : 'newsletters.issue.editText')}
            </Alert>
            <Group justify="flex-end">
              <Button variant="default" onClick={() => (dirty ? confirmLeave(onDone) : onDone())}>
                {t('common.cancel')}
              </Button>
              <Button type="submit" disabled={!dirty} loading={save.isPending}>
                {t('newsletters.issue.save')}
              </Button>
            </Group>
          </>
        )}
        <MailEditor
          value={form.values}
          onChange={(change) => form.setValues(change)}
          errors={form.errors}
          campaignId={campaign.id}
          sender={{ from_name: campaign.from_name, from_email: campaign.from_email, reply_to: campaign.reply_to }}
        />
      </Stack>
    </form>
  );
}
