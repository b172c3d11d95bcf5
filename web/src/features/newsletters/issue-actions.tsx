import { Button, Group, Menu, Modal, Stack, Text, Textarea, Tooltip } from '@mantine/core';
import { IconCheck, IconChevronDown, IconHandStop, IconPlayerPlay } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { IssueWhole } from '@/api/types';
import { campaignQuery } from '@/features/campaigns/queries';
import { notifyError } from '@/ui/notify';
import { actOnIssue, type IssueVerb, issueQuery, rereadNewsletters } from './queries';
import { SendNowFacts } from './send-now-facts';

const withNote: IssueVerb[] = ['hold', 'skip'];
const loses: IssueVerb[] = ['skip', 'prepare'];

/** What can be done with an issue before it goes out; each says first what comes of it. */
export function IssueActions({ issue }: { issue: IssueWhole }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<IssueVerb | null>(null);
  const { state } = issue;
  if (state === 'sending' || state === 'sent' || state === 'skipped') return null;
  const prepared = issue.campaign_id !== null && state !== 'preparing';
  const needsWord = prepared && issue.approved_by === null && (state === 'draft' || state === 'awaiting_approval');
  return (
    <>
      {state === 'held' ? (
        <Button leftSection={<IconPlayerPlay size={16} />} onClick={() => setAsked('release')}>
          {t('newsletters.act.release.open')}
        </Button>
      ) : (
        <Button variant="default" leftSection={<IconHandStop size={16} />} onClick={() => setAsked('hold')}>
          {t('newsletters.act.hold.open')}
        </Button>
      )}
      {needsWord && <ApproveButton campaignId={issue.campaign_id} onClick={() => setAsked('approve')} />}
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={15} />}>
            {t('newsletters.act.more')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {prepared && <Menu.Item onClick={() => setAsked('send-now')}>{t('newsletters.act.send-now.open')}</Menu.Item>}
          <Menu.Item onClick={() => setAsked('prepare')}>{t('newsletters.act.prepare.open')}</Menu.Item>
          <Menu.Item color="var(--app-bad)" onClick={() => setAsked('skip')}>
            {t('newsletters.act.skip.open')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asked && <ActDialog key={asked} issue={issue} verb={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

/** What nobody has given a subject is not ready for anybody's word. */
function ApproveButton({ campaignId, onClick }: { campaignId: number | null; onClick: () => void }) {
  const { t } = useTranslation();
  const campaign = useQuery({ ...campaignQuery(campaignId ?? 0), enabled: campaignId !== null });
  const empty = campaign.data?.subject.trim() === '';
  return (
    <Tooltip label={t('newsletters.act.approve.noSubject')} disabled={!empty} multiline maw={260}>
      {/* Not disabled by itself: whoever reaches it by keyboard must hear why. */}
      <Button
        leftSection={<IconCheck size={16} />}
        data-disabled={empty || undefined}
        aria-disabled={empty}
        onClick={() => !empty && onClick()}
      >
        {t('newsletters.act.approve.open')}
      </Button>
    </Tooltip>
  );
}

function ActDialog({ issue, verb, onClose }: { issue: IssueWhole; verb: IssueVerb; onClose: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [note, setNote] = useState('');
  const [ready, setReady] = useState(verb !== 'send-now');
  const act = useMutation({
    mutationFn: () => actOnIssue({ id: issue.id, verb, note }),
    onSuccess: (saved) => {
      queryClient.setQueryData(issueQuery(saved.id).queryKey, saved);
      if (saved.campaign_id) void queryClient.invalidateQueries({ queryKey: ['campaigns', saved.campaign_id] });
      void rereadNewsletters(queryClient);
      onClose();
    },
    onError: (error) => {
      notifyError(error);
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t(`newsletters.act.${verb}.title`)}>
      <Stack>
        <Text>{t(`newsletters.act.${verb}.text`)}</Text>
        {verb === 'prepare' && issue.edited && <Text fw={550}>{t('newsletters.act.prepare.loses')}</Text>}
        {verb === 'send-now' && issue.campaign_id !== null && (
          <SendNowFacts campaignId={issue.campaign_id} onReady={setReady} onLeave={onClose} />
        )}
        {withNote.includes(verb) && (
          <Textarea
            label={t('newsletters.act.note')}
            description={t('newsletters.act.noteHint')}
            maxLength={1000}
            autosize
            minRows={2}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            {...(loses.includes(verb) && { color: 'red.8' })}
            disabled={!ready}
            loading={act.isPending}
            onClick={() => act.mutate()}
          >
            {t(`newsletters.act.${verb}.confirm`)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
