import { Alert, Button, Group, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlayerPause } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Relay, RelayInput } from '@/api/types';
import { applyProblem, firstWrongField } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifySuccess } from '@/ui/notify';
import { PaceBadge } from '@/ui/pace-badge';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { PACE_POLL_MS, PaceCard } from './pace-card';
import { createRelay, relayQuery, updateRelay } from './queries';
import { RelayFields } from './relay-fields';
import { newRelay, relayInput, submitted } from './relay-form';
import { RelaySitesCard } from './relay-sites-card';
import { RelayStatsCard } from './relay-stats-card';
import { RelayTestCard } from './relay-test-card';
import { useResume } from './use-resume';

const route = getRouteApi('/shell/relays/$id');

export function RelayPage() {
  const id = Number(route.useParams().id);
  const query = useQuery({ ...relayQuery(id), refetchInterval: PACE_POLL_MS });
  return <QueryView query={query}>{(relay) => <RelayEditor key={relay.id} relay={relay} />}</QueryView>;
}

export function NewRelayPage() {
  return <RelayEditor />;
}

function RelayEditor({ relay }: { relay?: Relay }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const formId = useId();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<RelayInput>({ initialValues: relay ? relayInput(relay) : newRelay });
  const save = useMutation({
    mutationFn: (values: RelayInput) =>
      relay ? updateRelay({ id: relay.id, ...submitted(values) }) : createRelay(submitted(values)),
    onMutate: () => setProblem(null),
    onSuccess: async (saved) => {
      form.setValues(relayInput(saved));
      form.resetDirty(relayInput(saved));
      queryClient.setQueryData(relayQuery(saved.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['relays'] });
      notifySuccess(t('common.saved'));
      if (!relay) await navigate({ to: '/relays/$id', params: { id: String(saved.id) }, ignoreBlocker: true });
    },
    onError: (error) => {
      setProblem(applyProblem(form, error));
      const wrong = firstWrongField(form, error);
      // After the errors are drawn: the field may be far down the page.
      if (wrong) requestAnimationFrame(() => form.getInputNode(wrong)?.focus());
    },
  });
  return (
    <>
      <PageHeader
        title={relay ? relay.name : t('relays.new')}
        badge={relay && <PaceBadge relay={relay} />}
        back={
          <LinkAnchor to="/relays" className="link">
            {t('nav.relays')}
          </LinkAnchor>
        }
        actions={
          <Button type="submit" form={formId} loading={save.isPending}>
            {relay ? t('common.save') : t('relays.add')}
          </Button>
        }
      />
      <SaveGuard dirty={form.isDirty() && !save.isPending} />
      <Stack maw={860}>
        <FormAlert message={problem} />
        {relay?.status === 'paused' && <PausedBanner relay={relay} />}
        {relay && <PaceCard relay={relay} />}
        {relay && <RelayStatsCard relayId={relay.id} />}
        {relay?.site_limits && <RelaySitesCard relayId={relay.id} />}
        <form id={formId} onSubmit={form.onSubmit((values) => save.mutate(values))}>
          <Stack>
            <RelayFields form={form} relay={relay} />
          </Stack>
        </form>
        <RelayTestCard form={form} relayId={relay?.id} />
      </Stack>
    </>
  );
}

function PausedBanner({ relay }: { relay: Relay }) {
  const { t } = useTranslation();
  const resume = useResume(relay.id);
  return (
    <Alert variant="default" icon={<IconPlayerPause color="var(--app-warn)" />} title={t('relays.pausedTitle')}>
      <Group justify="space-between">
        <span>{relay.pause_reason ?? t('relays.pausedByHand')}</span>
        <Button size="xs" variant="default" loading={resume.isPending} onClick={() => resume.mutate()}>
          {t('relays.resume')}
        </Button>
      </Group>
    </Alert>
  );
}
