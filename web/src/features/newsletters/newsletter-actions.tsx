import { ActionIcon, Button, Group, Menu, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDots, IconPlayerPause, IconPlayerPlay, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Newsletter } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { FormAlert } from '@/ui/form-alert';
import { notifyError, notifySuccess } from '@/ui/notify';
import {
  activateNewsletter,
  deleteNewsletter,
  newsletterQuery,
  pauseNewsletter,
  rereadNewsletters,
  resumeNewsletter,
} from './queries';

type Props = {
  newsletter: Newsletter;
  /** Saves what is not saved yet; then gives the newsletter as it stands on the server. */
  saveThen: (act: (saved: Newsletter) => void) => void;
  onObjection: (error: unknown) => void;
};

/** Activate, pause, resume and delete, as the newsletter stands. */
export function NewsletterActions({ newsletter, saveThen, onObjection }: Props) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [pausing, pause] = useDisclosure();
  const settle = {
    onSuccess: (saved: Newsletter) => {
      queryClient.setQueryData(newsletterQuery(saved.id).queryKey, saved);
      return rereadNewsletters(queryClient);
    },
    onError: onObjection,
  };
  const activate = useMutation({ mutationFn: () => activateNewsletter(newsletter.id), ...settle });
  const resume = useMutation({ mutationFn: () => resumeNewsletter(newsletter.id), ...settle });
  const ask = ({ name, status, source, rules }: Newsletter) =>
    confirmAction({
      title: t('newsletters.activate.title', { name }),
      body:
        status === 'ended'
          ? t('newsletters.activate.again')
          : t(`newsletters.activate.${source.kind}`, { count: rules.first_items }),
      confirm: t('newsletters.activate.button'),
      danger: false,
      onConfirm: () => activate.mutate(),
    });
  const { status } = newsletter;
  return (
    <Group gap="xs">
      {(status === 'draft' || status === 'ended') && (
        <Button leftSection={<IconPlayerPlay size={16} />} loading={activate.isPending} onClick={() => saveThen(ask)}>
          {t('newsletters.activate.button')}
        </Button>
      )}
      {status === 'active' && (
        <Button variant="default" leftSection={<IconPlayerPause size={16} />} onClick={pause.open}>
          {t('newsletters.pause.open')}
        </Button>
      )}
      {status === 'paused' && (
        <Button leftSection={<IconPlayerPlay size={16} />} loading={resume.isPending} onClick={() => resume.mutate()}>
          {t('newsletters.resume')}
        </Button>
      )}
      <DeleteMenu newsletter={newsletter} />
      <PauseDialog newsletter={newsletter} opened={pausing} onClose={pause.close} />
    </Group>
  );
}

type PauseProps = { newsletter: Newsletter; onClose: () => void };

function PauseDialog({ opened, ...props }: PauseProps & { opened: boolean }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={props.onClose}
      title={t('newsletters.pause.title', { name: props.newsletter.name })}
    >
      {/* Mounted when it opens, so that nothing of the last pause is left in it. */}
      <PauseForm {...props} />
    </Modal>
  );
}

function PauseForm({ newsletter, onClose }: PauseProps) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [note, setNote] = useState('');
  const [until, setUntil] = useState('');
  const pause = useMutation({
    mutationFn: () => pauseNewsletter({ id: newsletter.id, ...(note && { note }), ...(until && { until }) }),
    onSuccess: (saved) => {
      queryClient.setQueryData(newsletterQuery(saved.id).queryKey, saved);
      onClose();
      return rereadNewsletters(queryClient);
    },
  });
  return (
    <Stack>
      <FormAlert message={pause.error && errorMessage(pause.error)} />
      <Text>{t('newsletters.pause.text')}</Text>
      <TextInput
        type="date"
        label={t('newsletters.pause.until')}
        description={t('newsletters.pause.untilHint')}
        value={until}
        onChange={(event) => setUntil(event.currentTarget.value)}
      />
      <Textarea
        label={t('newsletters.pause.note')}
        description={t('newsletters.pause.noteHint')}
        maxLength={1000}
        autosize
        minRows={2}
        value={note}
        onChange={(event) => setNote(event.currentTarget.value)}
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button loading={pause.isPending} onClick={() => pause.mutate()}>
          {t('newsletters.pause.confirm')}
        </Button>
      </Group>
    </Stack>
  );
}

function DeleteMenu({ newsletter }: { newsletter: Newsletter }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteNewsletter(newsletter.id),
    onSuccess: async () => {
      notifySuccess(t('newsletters.deleted', { name: newsletter.name }));
      await navigate({ to: '/newsletters', ignoreBlocker: true });
      void queryClient.invalidateQueries({ queryKey: ['newsletters', 'page'] });
    },
    onError: notifyError,
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon size={36} variant="default" aria-label={t('common.actionsFor', { name: newsletter.name })}>
          <IconDots size={17} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          color="var(--app-bad)"
          leftSection={<IconTrash size={15} />}
          disabled={newsletter.status === 'active'}
          onClick={() =>
            confirmAction({
              title: t('newsletters.deleteTitle', { name: newsletter.name }),
              body: t('newsletters.deleteText'),
              confirm: t('common.delete'),
              onConfirm: () => remove.mutate(),
            })
          }
        >
          {t('common.delete')}
          {newsletter.status === 'active' && (
            <Text size="xs" c="dimmed">
              {t('newsletters.pauseFirst')}
            </Text>
          )}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
