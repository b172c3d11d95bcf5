import { Alert, Button, Group, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconPlayerPause } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Mailbox, MailboxInput } from '@/api/types';
import { applyProblem, firstWrongField } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SaveGuard } from '@/ui/save-guard';
import { MailboxBadge } from './mailbox-badge';
import { MailboxFields } from './mailbox-fields';
import { mailboxInput, newMailbox, submitted } from './mailbox-form';
import { MailboxStateCard } from './mailbox-state-card';
import { MailboxTestCard } from './mailbox-test-card';
import { createMailbox, mailboxQuery, POLL_MS, resumeMailbox, updateMailbox } from './queries';

const route = getRouteApi('/shell/mailboxes/$id');

export function MailboxPage() {
  const id = Number(route.useParams().id);
  const query = useQuery({ ...mailboxQuery(id), refetchInterval: POLL_MS });
  return <QueryView query={query}>{(mailbox) => <MailboxEditor key={mailbox.id} mailbox={mailbox} />}</QueryView>;
}

export function NewMailboxPage() {
  return <MailboxEditor />;
}

function MailboxEditor({ mailbox }: { mailbox?: Mailbox }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const formId = useId();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<MailboxInput>({ initialValues: mailbox ? mailboxInput(mailbox) : newMailbox });
  const save = useMutation({
    mutationFn: (values: MailboxInput) =>
      mailbox ? updateMailbox({ id: mailbox.id, ...submitted(values) }) : createMailbox(submitted(values)),
    onMutate: () => setProblem(null),
    onSuccess: async (saved) => {
      form.setValues(mailboxInput(saved));
      form.resetDirty(mailboxInput(saved));
      queryClient.setQueryData(mailboxQuery(saved.id).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['mailboxes'] });
      notifySuccess(t('common.saved'));
      if (!mailbox) await navigate({ to: '/mailboxes/$id', params: { id: String(saved.id) }, ignoreBlocker: true });
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
        title={mailbox ? mailbox.name : t('mailboxes.new')}
        badge={mailbox && <MailboxBadge mailbox={mailbox} />}
        back={
          <LinkAnchor to="/mailboxes" className="link">
            {t('nav.mailboxes')}
          </LinkAnchor>
        }
        actions={
          <Button type="submit" form={formId} loading={save.isPending}>
            {mailbox ? t('common.save') : t('mailboxes.add')}
          </Button>
        }
      />
      <SaveGuard dirty={form.isDirty() && !save.isPending} />
      <Stack maw={860}>
        <FormAlert message={problem} />
        {mailbox?.status === 'paused' && <PausedBanner mailbox={mailbox} />}
        {mailbox && <MailboxStateCard mailbox={mailbox} />}
        <form id={formId} onSubmit={form.onSubmit((values) => save.mutate(values))}>
          <Stack>
            <MailboxFields form={form} mailbox={mailbox} />
          </Stack>
        </form>
        <MailboxTestCard form={form} mailboxId={mailbox?.id} />
      </Stack>
    </>
  );
}

function PausedBanner({ mailbox }: { mailbox: Mailbox }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const resume = useMutation({
    mutationFn: () => resumeMailbox(mailbox.id),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['mailboxes'] }),
    onError: notifyError,
  });
  return (
    <Alert variant="default" icon={<IconPlayerPause color="var(--app-warn)" />} title={t('mailboxes.pausedTitle')}>
      <Group justify="space-between">
        <span>{t('mailboxes.pausedText')}</span>
        <Button size="xs" variant="default" loading={resume.isPending} onClick={() => resume.mutate()}>
          {t('mailboxes.resume')}
        </Button>
      </Group>
    </Alert>
  );
}
