import { Alert, Button, Stack, Tabs, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Newsletter, NewsletterUpdated } from '@/api/types';
import { capitalized, localClock } from '@/lib/format';
import { useFollow } from '@/lib/use-follow';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { TabList } from '@/ui/scroll-row';
import { NewsletterBadge } from './badges';
import { ContentTab } from './content-tab';
import { inputOf, type NewsletterTab, type NewsletterValues, takeProblem, valuesOf } from './form';
import { IssuesTab } from './issues-tab';
import { NewsletterActions } from './newsletter-actions';
import { newsletterQuery, rereadNewsletters, updateNewsletter } from './queries';
import { ScheduleTab } from './schedule-tab';
import { SettingsTab } from './settings-tab';

const route = getRouteApi('/shell/newsletters/$id');
const tabs: NewsletterTab[] = ['issues', 'schedule', 'content', 'settings'];
const POLL_MS = 5_000;

export function NewsletterPage() {
  const id = Number(route.useParams().id);
  const query = useQuery({ ...newsletterQuery(id), staleTime: 0, refetchInterval: POLL_MS });
  return <QueryView query={query}>{(newsletter) => <Stored key={newsletter.id} newsletter={newsletter} />}</QueryView>;
}

function Stored({ newsletter }: { newsletter: Newsletter }) {
  const { t } = useTranslation();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [kept, setKept] = useState<NewsletterUpdated['kept']>([]);
  const form = useForm<NewsletterValues>({ initialValues: valuesOf(newsletter) });
  const taken = useFollow(form, valuesOf(newsletter));
  const dirty = form.isDirty();
  const tab = tabs.find((name) => name === search.tab) ?? 'issues';
  const openTab = (value: string | null) =>
    void navigate({ search: value && value !== 'issues' ? { tab: value } : {}, replace: true });
  const objected = (error: unknown) => {
    const { message, tab: where } = takeProblem(form, error);
    setProblem(message);
    if (where) openTab(where);
  };
  const save = useMutation({
    mutationFn: (values: NewsletterValues) => updateNewsletter({ id: newsletter.id, ...inputOf(values) }),
    onMutate: () => setProblem(null),
    onSuccess: ({ kept: left, ...saved }, values) => {
      form.clearErrors();
      taken(values, valuesOf(saved));
      setKept(left ?? []);
      queryClient.setQueryData(newsletterQuery(saved.id).queryKey, saved);
      void rereadNewsletters(queryClient);
    },
    onError: objected,
  });
  // What is activated is what stands on the server, so it is saved first.
  const saveThen = (act: (saved: Newsletter) => void) => {
    if (!dirty) return act(newsletter);
    save.mutate(form.getValues(), { onSuccess: act });
  };
  return (
    <form
      onSubmit={form.onSubmit((values) => save.mutate(values, { onSuccess: () => notifySuccess(t('common.saved')) }))}
    >
      <PageHeader
        title={newsletter.name}
        badge={<NewsletterBadge status={newsletter.status} />}
        description={capitalized(localClock(newsletter.schedule_description.english))}
        back={
          <LinkAnchor to="/newsletters" className="link">
            {t('nav.newsletters')}
          </LinkAnchor>
        }
        actions={
          <>
            {dirty && (
              <Text size="sm" c="dimmed">
                {t('common.unsaved')}
              </Text>
            )}
            <Button type="submit" variant="default" disabled={!dirty} loading={save.isPending}>
              {t('common.save')}
            </Button>
            <NewsletterActions newsletter={newsletter} saveThen={saveThen} onObjection={objected} />
          </>
        }
      />
      <SaveGuard dirty={dirty && !save.isPending} />
      <Stack>
        <FormAlert message={problem} />
        {kept.length > 0 && (
          <Alert variant="default" icon={<IconInfoCircle color="var(--app-info)" />} title={t('newsletters.keptTitle')}>
            {t('newsletters.kept', { dates: kept.map((issue) => issue.date).join(', ') })}
          </Alert>
        )}
        <Tabs value={tab} onChange={openTab} keepMounted={false}>
          <TabList value={tab}>
            {tabs.map((one) => (
              <Tabs.Tab key={one} value={one}>
                {t(`newsletters.tabs.${one}`)}
              </Tabs.Tab>
            ))}
          </TabList>
          <Tabs.Panel value="issues">
            <IssuesTab newsletter={newsletter} />
          </Tabs.Panel>
          <Tabs.Panel value="schedule">
            <ScheduleTab form={form} />
          </Tabs.Panel>
          <Tabs.Panel value="content">
            <ContentTab form={form} />
          </Tabs.Panel>
          <Tabs.Panel value="settings">
            <SettingsTab form={form} newsletter={newsletter} dirty={dirty} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </form>
  );
}
