import { Button, Group, Modal, Skeleton, Stack, Text } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorMessage, Problem } from '@/api/problem';
import type { Campaign, Relay } from '@/api/types';
import { settingsQuery } from '@/features/settings/queries';
import { formatDuration, formatList, formatNumber } from '@/lib/format';
import { keepsFromStarting, routeIssues } from '@/lib/routing';
import { ErrorState } from '@/ui/error-state';
import { FormAlert } from '@/ui/form-alert';
import { LoadFailures } from '@/ui/load-failures';
import { RelayIssues } from '@/ui/mailing/relay-issues';
import { RelayPlan } from '@/ui/mailing/relay-plan';
import { useRelays } from '@/ui/mailing/use-relays';
import { notifySuccess } from '@/ui/notify';
import { StartCheck } from '@/ui/preflight/start-check';
import { useCheck } from '@/ui/preflight/use-check';
import { AudienceList } from './audience-list';
import { ForecastNote } from './forecast-note';
import { audienceQuery, campaignQuery, startCampaign } from './queries';
import { TestSummary } from './test-summary';

type Props = {
  campaign: Pick<Campaign, 'id' | 'name' | 'subject' | 'relay_ids' | 'from_email'> & Partial<Pick<Campaign, 'ab_test'>>;
  listNames: string[];
  opened: boolean;
  onClose: () => void;
  /** The server's refusal, for the form behind the dialog to mark its fields. */
  onObjection: (error: unknown) => void;
};

const CONFLICT = 409;

/** The last look before sending: to which lists, how many people, and who is left out, counted at this moment. */
export function StartDialog({ campaign, listNames, opened, onClose, onObjection }: Props) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const audience = useQuery({ ...audienceQuery(campaign.id), enabled: opened, gcTime: 0 });
  const settings = useQuery({ ...settingsQuery, enabled: opened });
  // Without it nobody knows whether the sending can be called back, so nothing is sent until it is there.
  const undo = settings.data?.undo_send_seconds;
  const check = useCheck(campaign.id, { enabled: opened, auto: true });
  const start = useMutation({
    // What was changed since the check, or is no more acknowledged, is refused, so that nothing goes out unseen.
    mutationFn: (undoSeconds: number) =>
      startCampaign({ id: campaign.id, undoSeconds, acknowledged: check.current !== null }),
    onSuccess: (started) => {
      queryClient.setQueryData(campaignQuery(campaign.id).queryKey, started);
      void queryClient.invalidateQueries({ queryKey: ['campaigns'] });
      if (!started.undoable_until) notifySuccess(t('campaigns.start.started', { name: campaign.name }));
      onClose();
    },
    onError: (error) => {
      onObjection(error);
      // Somebody else, or a second tab, was first: show what became of it.
      if (error instanceof Problem && error.status === CONFLICT) {
        check.run.reset();
        void queryClient.invalidateQueries({ queryKey: ['campaigns', campaign.id] });
      }
    },
  });
  const close = () => {
    start.reset();
    check.run.reset();
    onClose();
  };
  const count = audience.data?.mailable ?? 0;
  const test = campaign.ab_test ?? null;
  const { relays, query: relaysQuery } = useRelays(campaign.relay_ids);
  const blocked = routeIssues(relays, campaign.from_email).some(keepsFromStarting);
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t(test ? 'campaigns.start.testTitle' : 'campaigns.start.title', { name: campaign.name })}
      size="md"
    >
      <Stack>
        {start.error && <FormAlert message={errorMessage(start.error)} />}
        <div>
          <Text size="sm" c="dimmed">
            {t(test ? 'campaigns.start.tested' : 'editor.subject')}
          </Text>
          {test ? (
            <TestSummary
              campaign={{ subject: campaign.subject, ab_test: test }}
              people={audience.data ? count : null}
            />
          ) : (
            <Text fw={550}>{campaign.subject || t('editor.noSubject')}</Text>
          )}
        </div>
        <div>
          <Text size="sm" c="dimmed">
            {t('campaigns.start.to', { count: listNames.length })}
          </Text>
          <Text fw={550}>{listNames.length > 0 ? listNames.join(', ') : t('campaigns.start.noLists')}</Text>
        </div>
        {audience.error ? (
          <ErrorState error={audience.error} onRetry={() => void audience.refetch()} />
        ) : audience.data ? (
          <div>
            <Text size="sm" c="dimmed">
              {t('campaigns.ready.reach')}
            </Text>
            <Text fz={28} fw={650} className="tabular">
              {formatNumber(count)}
            </Text>
            <AudienceList audience={audience.data} />
          </div>
        ) : (
          <Skeleton height={64} />
        )}
        <LoadFailures queries={[relaysQuery, settings]} />
        <Through relays={relays} from={campaign.from_email} />
        {opened && <StartCheck campaignId={campaign.id} check={check} onLeave={close} />}
        <ForecastNote
          campaignId={campaign.id}
          kind="start"
          messages={count}
          enabled={opened && campaign.relay_ids.length > 0}
        />
        <Text size="sm" c="dimmed">
          {t('campaigns.start.frozen')} {undo ? t('campaigns.start.grace', { time: formatDuration(undo) }) : null}
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            {t('common.cancel')}
          </Button>
          <Button
            leftSection={<IconPlayerPlay size={16} />}
            disabled={!check.passed || undo === undefined || count === 0 || blocked}
            loading={start.isPending}
            onClick={() => undo !== undefined && start.mutate(undo)}
          >
            {audience.data ? t('campaigns.start.confirm', { count }) : t('campaigns.start.counting')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Which way the mail goes, and what is in its way. */
function Through({ relays, from }: { relays: Relay[]; from: string }) {
  const { t } = useTranslation();
  if (relays.length === 0) return null;
  return (
    <>
      <div>
        <Text size="sm" c="dimmed">
          {t('campaigns.start.through', { count: relays.length })}
        </Text>
        <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
          {formatList(relays.map((relay) => relay.name))}
        </Text>
        {relays.length > 1 && <RelayPlan relays={relays} from={from} />}
      </div>
      <RelayIssues relays={relays} from={from} />
    </>
  );
}
