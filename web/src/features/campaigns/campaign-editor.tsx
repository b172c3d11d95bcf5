import { Button, Stack, Tabs, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconCalendarClock, IconMailCheck, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Campaign, CampaignInput } from '@/api/types';
import { listsQuery } from '@/features/lists/queries';
import { placeProblem } from '@/lib/form-problem';
import { useFollow } from '@/lib/use-follow';
import { BegunNotice } from '@/ui/begun-notice';
import { CampaignBadge } from '@/ui/campaign-badge';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { SaveGuard } from '@/ui/save-guard';
import { TabList } from '@/ui/scroll-row';
import { AbTestTab } from './ab-test-tab';
import { CheckTab } from './check-tab';
import { ContentTab } from './content-tab';
import { DetailsTab } from './details-tab';
import { inputOf } from './input';
import { IssueNote } from './issue-note';
import { campaignQuery, updateCampaign } from './queries';
import { RunNote } from './run-note';
import { ScheduleDialog } from './schedule-dialog';
import { ScheduledBanner } from './scheduled-banner';
import { StartDialog } from './start-dialog';
import { TestDialog } from './test-dialog';

const route = getRouteApi('/shell/campaigns/$id');
/** Fields of the content tab; an objection to one of them opens that tab. */
const contentFields = ['subject', 'preheader', 'kind', 'layout_id', 'inline_css', 'html', 'text'];
const tabs = ['details', 'content', 'ab', 'check'] as const;
const tabOf = (field: string) =>
  field.startsWith('ab_test') ? 'ab' : contentFields.includes(field) ? 'content' : 'details';

type Props = {
  campaign: Campaign;
  /** It was started meanwhile: what stands here can only be copied. */
  begun: boolean;
  onLeave: () => void;
};

export function CampaignEditor({ campaign, begun, onLeave }: Props) {
  const { t } = useTranslation();
  const { tab = 'details' } = route.useSearch();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const lists = useQuery(listsQuery());
  const [problem, setProblem] = useState<string | null>(null);
  const [startOpen, start] = useDisclosure();
  const [scheduleOpen, schedule] = useDisclosure();
  const [testOpen, test] = useDisclosure();
  const form = useForm<CampaignInput>({ initialValues: inputOf(campaign) });
  const taken = useFollow(form, inputOf(campaign));
  const dirty = form.isDirty();
  const openTab = (value: string | null) =>
    void navigate({ search: value && value !== 'details' ? { tab: value } : {}, replace: true });

  const objected = (error: unknown) => {
    const { message, first } = placeProblem(form, error);
    setProblem(message);
    if (first) openTab(tabOf(first));
  };
  const store = (sent: CampaignInput, saved: Campaign) => {
    taken(sent, inputOf(saved));
    queryClient.setQueryData(campaignQuery(campaign.id).queryKey, saved);
  };
  const save = useMutation({
    mutationFn: (values: CampaignInput) => updateCampaign({ id: campaign.id, ...values }),
    onMutate: () => setProblem(null),
    onSuccess: (saved, sent) => {
      form.clearErrors();
      store(sent, saved);
      void queryClient.invalidateQueries({ queryKey: ['campaigns', 'page'] });
      // Also the campaign itself: an answer from before the save may still be on its way.
      void queryClient.invalidateQueries({ queryKey: ['campaigns', campaign.id] });
    },
    onError: objected,
  });
  // What is tested, scheduled or sent is what stands on the server, so it is saved first.
  const saveThen = (act: () => void) => {
    if (!dirty) return act();
    save.mutate(form.getValues(), { onSuccess: act });
  };
  const listNames = (lists.data?.items ?? [])
    .filter((list) => campaign.list_ids.includes(list.id))
    .map((list) => list.name);

  return (
    // What the browser would object to may stand in a tab that is out of sight; the server says it in words.
    <form
      noValidate
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: () => notifySuccess(t('common.saved')) }))}
    >
      <PageHeader
        title={campaign.name}
        badge={<CampaignBadge status={campaign.status} starting={campaign.undoable_until !== null} />}
        back={
          <LinkAnchor to="/campaigns" className="link">
            {t('nav.campaigns')}
          </LinkAnchor>
        }
        actions={
          begun ? null : (
            <>
              {dirty && (
                <Text size="sm" c="dimmed">
                  {t('common.unsaved')}
                </Text>
              )}
              <Button type="submit" variant="default" disabled={!dirty} loading={save.isPending}>
                {t('common.save')}
              </Button>
              <Button variant="default" leftSection={<IconMailCheck size={16} />} onClick={() => saveThen(test.open)}>
                {t('campaigns.test.open')}
              </Button>
              {campaign.status === 'draft' && campaign.issue === null && (
                <Button
                  variant="default"
                  leftSection={<IconCalendarClock size={16} />}
                  onClick={() => saveThen(schedule.open)}
                >
                  {t('campaigns.schedule.open')}
                </Button>
              )}
              {campaign.undoable_until === null && campaign.issue === null && (
                <Button leftSection={<IconPlayerPlay size={16} />} onClick={() => saveThen(start.open)}>
                  {t('campaigns.start.open')}
                </Button>
              )}
            </>
          )
        }
      />
      <SaveGuard dirty={dirty} />
      <Stack>
        <FormAlert message={problem} />
        <BegunNotice begun={begun} dirty={dirty} text={t('campaigns.begun')} onLeave={onLeave} />
        {campaign.parent_id !== null && <RunNote campaign={campaign} />}
        {campaign.issue && <IssueNote issue={campaign.issue} status={campaign.status} />}
        {campaign.status === 'scheduled' && (
          <ScheduledBanner campaign={campaign} onChange={() => saveThen(schedule.open)} />
        )}
        <Tabs value={tabs.find((name) => name === tab) ?? 'details'} onChange={openTab}>
          <TabList value={tab}>
            <Tabs.Tab value="details">{t('campaigns.details')}</Tabs.Tab>
            <Tabs.Tab value="content">{t('campaigns.content')}</Tabs.Tab>
            {campaign.parent_id === null && <Tabs.Tab value="ab">{t('campaigns.ab.tab')}</Tabs.Tab>}
            <Tabs.Tab value="check">{t('preflight.tab')}</Tabs.Tab>
          </TabList>
          <Tabs.Panel value="details">
            <DetailsTab form={form} campaign={campaign} />
          </Tabs.Panel>
          <Tabs.Panel value="content">
            <ContentTab form={form} campaign={campaign} dirty={dirty} />
          </Tabs.Panel>
          <Tabs.Panel value="ab">
            <AbTestTab form={form} campaign={campaign} />
          </Tabs.Panel>
          <Tabs.Panel value="check">
            <CheckTab campaign={campaign} dirty={dirty} saveThen={saveThen} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
      <StartDialog
        campaign={campaign}
        listNames={listNames}
        opened={startOpen}
        onClose={start.close}
        onObjection={objected}
      />
      <ScheduleDialog
        campaign={campaign}
        opened={scheduleOpen}
        onClose={schedule.close}
        onSaved={(saved) => store(form.getValues(), saved)}
        onObjection={objected}
      />
      <TestDialog campaign={campaign} opened={testOpen} onClose={test.close} />
    </form>
  );
}
