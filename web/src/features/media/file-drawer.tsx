import { Alert, Button, Drawer, Group, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { IconAlertTriangle, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MediaFile, MediaUse } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { confirmAction } from '@/ui/confirm';
import { CopyField } from '@/ui/copy-field';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { MediaPicture, mediaFacts } from '@/ui/media/media-grid';
import { deleteMedia, mediaUsesQuery, updateMedia } from '@/ui/media/queries';
import { notifyError, notifySuccess } from '@/ui/notify';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';

type Props = { file: MediaFile | null; onClose: () => void; onSaved: (file: MediaFile) => void };

export function FileDrawer({ file, onClose, onSaved }: Props) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={file !== null}
      onClose={onClose}
      position="right"
      size="md"
      title={t('media.file')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {file && <FileDetails key={file.id} file={file} onClose={onClose} onSaved={onSaved} />}
    </Drawer>
  );
}

function FileDetails({ file, onClose, onSaved }: Props & { file: MediaFile }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({ initialValues: { name: file.name, alt: file.alt } });
  const save = useMutation({
    mutationFn: (values: { name: string; alt: string }) => updateMedia({ id: file.id, ...values }),
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      form.resetDirty({ name: saved.name, alt: saved.alt });
      onSaved(saved);
      notifySuccess(t('common.saved'));
      return queryClient.invalidateQueries({ queryKey: ['media', 'page'] });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  const image = file.content_type.startsWith('image/');
  return (
    <Stack>
      <MediaPicture file={file} />
      <Text size="sm" c="dimmed" className="tabular">
        {mediaFacts(file)} · {file.storage_name} · <DateTime at={file.created_at} />
      </Text>
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack gap="sm">
          <FormAlert message={problem} />
          <TextInput label={t('common.name')} required {...form.getInputProps('name')} />
          {image && (
            <Textarea
              label={t('media.alt')}
              description={t('media.altHint')}
              autosize
              minRows={2}
              maxLength={500}
              {...form.getInputProps('alt')}
            />
          )}
          <Group justify="flex-end">
            <Button type="submit" variant="default" disabled={!form.isDirty()} loading={save.isPending}>
              {t('common.save')}
            </Button>
          </Group>
        </Stack>
      </form>
      <div>
        <Text size="sm" fw={550} mb={4}>
          {t('media.address')}
        </Text>
        <CopyField value={file.url} label={t('media.address')} />
      </div>
      <Uses file={file} onDeleted={onClose} />
    </Stack>
  );
}

function Uses({ file, onDeleted }: { file: MediaFile; onDeleted: () => void }) {
  const { t } = useTranslation();
  const query = useQuery(mediaUsesQuery(file.id));
  return (
    <section aria-label={t('media.uses')}>
      <Title order={3} fz="sm" mb={6}>
        {t('media.uses')}
      </Title>
      <QueryView query={query}>
        {({ items }) => (
          <Stack gap="sm">
            {items.length === 0 ? (
              <Text size="sm" c="dimmed">
                {t('media.unused')}
              </Text>
            ) : (
              <Stack gap={4}>
                {items.map((use) => (
                  <Use key={`${use.kind} ${use.id}`} use={use} />
                ))}
              </Stack>
            )}
            <Delete file={file} uses={items} onDeleted={onDeleted} />
          </Stack>
        )}
      </QueryView>
    </section>
  );
}

function Use({ use }: { use: MediaUse }) {
  const { t } = useTranslation();
  const params = { id: String(use.id) };
  const link = { className: 'link', fz: 'sm' };
  return (
    <Group gap="xs">
      {use.kind === 'campaign' && (
        <LinkAnchor to="/campaigns/$id" params={params} {...link}>
          {use.name}
        </LinkAnchor>
      )}
      {use.kind === 'template' && (
        <LinkAnchor to="/templates/$id" params={params} {...link}>
          {use.name}
        </LinkAnchor>
      )}
      {use.kind === 'confirmation' && (
        <LinkAnchor to="/lists/$id" params={params} {...link}>
          {use.name}
        </LinkAnchor>
      )}
      {use.kind === 'newsletter' && (
        <LinkAnchor to="/newsletters/$id" params={params} {...link}>
          {use.name}
        </LinkAnchor>
      )}
      <Text size="sm" c="dimmed">
        {use.sent ? t(use.kind === 'newsletter' ? 'media.usedEnded' : 'media.usedSent') : t(`media.usedBy.${use.kind}`)}
      </Text>
    </Group>
  );
}

/** What is still to be sent keeps its images; mails that are out lose them only when that is said. */
function Delete({ file, uses, onDeleted }: { file: MediaFile; uses: MediaUse[]; onDeleted: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const live = uses.filter((use) => !use.sent).length;
  const sent = uses.length - live;
  const remove = useMutation({
    mutationFn: () => deleteMedia({ id: file.id, brokenMails: sent > 0 }),
    onSuccess: () => {
      notifySuccess(t('media.deleted', { name: file.name }));
      onDeleted();
      return queryClient.invalidateQueries({ queryKey: ['media'] });
    },
    onError: (error) => {
      notifyError(error);
      // Somebody has begun to use it since this was shown.
      void queryClient.invalidateQueries({ queryKey: mediaUsesQuery(file.id).queryKey });
    },
  });
  if (live > 0) {
    return (
      <Alert variant="default" icon={<IconAlertTriangle color="var(--app-warn)" />}>
        {t('media.cannotDelete', { count: live })}
      </Alert>
    );
  }
  return (
    <div>
      <Button
        variant="default"
        c="var(--app-bad)"
        leftSection={<IconTrash size={16} />}
        loading={remove.isPending}
        onClick={() =>
          confirmAction({
            title: t('media.deleteTitle', { name: file.name }),
            body: sent > 0 ? t('media.deleteSent', { count: sent }) : t('media.deleteText'),
            confirm: t(sent > 0 ? 'media.deleteAnyway' : 'common.delete'),
            onConfirm: () => remove.mutate(),
          })
        }
      >
        {t('common.delete')}
      </Button>
    </div>
  );
}
