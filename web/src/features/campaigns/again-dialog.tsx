import { Button, Checkbox, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconRepeat } from '@tabler/icons-react';
import { useMutation, useQueries, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Campaign, RerunTo } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { FormAlert } from '@/ui/form-alert';
import { LoadFailures } from '@/ui/load-failures';
import { notifySuccess } from '@/ui/notify';
import { campaignQuery, createRun, runCountQuery } from './queries';

const kinds: RerunTo[] = ['not_opened', 'deferred', 'failed', 'unconfirmed'];

/** Sends a campaign once more to those who did not get it, or did not open it. */
export function AgainButton({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button variant="default" leftSection={<IconRepeat size={16} />} onClick={open}>
        {t('campaigns.again.open')}
      </Button>
      <Modal opened={opened} onClose={close} title={t('campaigns.again.title', { name: campaign.name })}>
        <AgainForm campaign={campaign} onClose={close} />
      </Modal>
    </>
  );
}

function AgainForm({ campaign, onClose }: { campaign: Campaign; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const root = campaign.parent_id ?? campaign.id;
  const [to, setTo] = useState<RerunTo[]>([]);
  // Another run has the subject of the first, whichever run it is asked for on.
  const first = useQuery({ ...campaignQuery(root), enabled: campaign.parent_id !== null });
  const usual = campaign.parent_id === null ? campaign.subject : first.data?.subject;
  const [written, setSubject] = useState<string | null>(null);
  const subject = written ?? usual ?? '';
  const untold = !campaign.track_opens && !campaign.track_clicks;
  const counts = useQueries({
    queries: kinds.map((kind) => runCountQuery(root, kind === 'not_opened' && untold ? [] : [kind])),
  });
  const chosen = kinds.filter((kind) => to.includes(kind));
  const total = useQuery(runCountQuery(root, chosen));
  const create = useMutation({
    mutationFn: () => createRun({ id: root, to: chosen, ...(subject !== usual && { subject }) }),
    onSuccess: async (run) => {
      void queryClient.invalidateQueries({ queryKey: ['campaigns'] });
      notifySuccess(t('campaigns.again.made'));
      onClose();
      await navigate({ to: '/campaigns/$id', params: { id: String(run.id) } });
    },
  });
  const people = chosen.length > 0 ? (total.data?.people ?? null) : 0;
  return (
    <Stack>
      {create.error && <FormAlert message={errorMessage(create.error)} />}
      {total.error && <FormAlert message={errorMessage(total.error)} />}
      <LoadFailures queries={[first]} />
      <Checkbox.Group label={t('campaigns.again.whom')} value={to} onChange={(next) => setTo(next as RerunTo[])}>
        <Stack gap="xs" mt={6}>
          {kinds.map((kind, index) => {
            const count = counts[index]?.data?.people;
            return (
              <Checkbox
                key={kind}
                value={kind}
                disabled={count === 0 || (kind === 'not_opened' && untold)}
                label={
                  <>
                    {t(`campaigns.again.to.${kind}`)}{' '}
                    {count !== undefined && (
                      <Text span c="dimmed" className="tabular">
                        ({formatNumber(count)})
                      </Text>
                    )}
                  </>
                }
                description={t(`campaigns.again.hint.${kind}`)}
              />
            );
          })}
        </Stack>
      </Checkbox.Group>
      <TextInput
        label={t('editor.subject')}
        description={t('campaigns.again.subjectHint')}
        value={subject}
        disabled={usual === undefined}
        onChange={(event) => setSubject(event.currentTarget.value)}
      />
      <Text size="sm" c="dimmed">
        {t('campaigns.again.anew')}
      </Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button disabled={!people || usual === undefined} loading={create.isPending} onClick={() => create.mutate()}>
          {chosen.length === 0
            ? t('campaigns.again.choose')
            : people === null
              ? t('campaigns.start.counting')
              : t('campaigns.again.confirm', { count: people })}
        </Button>
      </Group>
    </Stack>
  );
}
