import { Badge, Button, Group, Modal, Paper, Stack, Text, Title } from '@mantine/core';
import { IconBucket, IconFolder, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MediaStorage } from '@/api/types';
import { formatBytes } from '@/lib/format';
import { confirmAction } from '@/ui/confirm';
import { notifyError, notifySuccess } from '@/ui/notify';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { TestResult } from '@/ui/test-result';
import { StorageForm } from './storage-form';
import { deleteStorage, storagesQuery, takeStorage, testStorage } from './storage-queries';

type Edited = MediaStorage | 'new' | null;

/** Where the files of the media library are kept. */
export function MediaTab() {
  const { t } = useTranslation();
  const query = useQuery(storagesQuery);
  const [edited, setEdited] = useState<Edited>(null);
  return (
    <Section
      title={t('settings.media.title')}
      description={t('settings.media.text')}
      actions={
        <Button leftSection={<IconPlus size={16} />} onClick={() => setEdited('new')}>
          {t('settings.media.add')}
        </Button>
      }
    >
      <QueryView query={query}>
        {({ items }) => (
          <Stack>
            {items.map((storage) => (
              <StorageCard key={storage.id} storage={storage} onEdit={() => setEdited(storage)} />
            ))}
          </Stack>
        )}
      </QueryView>
      <Modal
        opened={edited !== null}
        onClose={() => setEdited(null)}
        title={t(edited === 'new' ? 'settings.media.add' : 'settings.media.change')}
        size="lg"
        closeOnClickOutside={false}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        {edited && <StorageForm storage={edited === 'new' ? undefined : edited} onClose={() => setEdited(null)} />}
      </Modal>
    </Section>
  );
}

function StorageCard({ storage, onEdit }: { storage: MediaStorage; onEdit: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const refresh = () => queryClient.invalidateQueries({ queryKey: storagesQuery.queryKey });
  const test = useMutation({ mutationFn: () => testStorage(storage.id), onError: notifyError });
  const take = useMutation({
    mutationFn: () => takeStorage(storage.id),
    onSuccess: () => {
      notifySuccess(t('settings.media.used', { name: storage.name }));
      return refresh();
    },
    onError: notifyError,
  });
  const remove = useMutation({
    mutationFn: () => deleteStorage(storage.id),
    onSuccess: () => {
      notifySuccess(t('settings.media.deleted', { name: storage.name }));
      return refresh();
    },
    onError: notifyError,
  });
  const bucket = storage.kind === 's3';
  const KindIcon = bucket ? IconBucket : IconFolder;
  return (
    <Paper p="md" withBorder component="article" aria-label={storage.name}>
      <Group justify="space-between" align="flex-start">
        <Group gap="sm" wrap="nowrap" align="flex-start" style={{ minWidth: 0 }}>
          <KindIcon size={22} stroke={1.6} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
          <div style={{ minWidth: 0 }}>
            <Group gap="xs">
              <Title order={3} fz="md">
                {storage.name}
              </Title>
              {storage.current && <Badge variant="default">{t('settings.media.current')}</Badge>}
            </Group>
            <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
              {bucket ? placeOf(storage) : t('settings.media.folder')}
            </Text>
            <Text size="sm" c="dimmed" className="tabular">
              {t('settings.media.holds', { count: storage.file_count, size: formatBytes(storage.size_bytes) })}
            </Text>
          </div>
        </Group>
        <Group gap="xs">
          <Button size="xs" variant="default" loading={test.isPending} onClick={() => test.mutate()}>
            {t('settings.media.test')}
          </Button>
          {!storage.current && (
            <Button
              size="xs"
              variant="default"
              loading={take.isPending}
              onClick={() =>
                confirmAction({
                  title: t('settings.media.useTitle', { name: storage.name }),
                  body: t('settings.media.useText'),
                  confirm: t('settings.media.use'),
                  danger: false,
                  onConfirm: () => take.mutate(),
                })
              }
            >
              {t('settings.media.use')}
            </Button>
          )}
          {bucket && (
            <Button size="xs" variant="default" onClick={onEdit}>
              {t('common.edit')}
            </Button>
          )}
          {bucket && !storage.current && (
            <Button
              size="xs"
              variant="default"
              c="var(--app-bad)"
              loading={remove.isPending}
              onClick={() =>
                confirmAction({
                  title: t('settings.media.deleteTitle', { name: storage.name }),
                  body: t('settings.media.deleteText'),
                  confirm: t('common.delete'),
                  onConfirm: () => remove.mutate(),
                })
              }
            >
              {t('common.delete')}
            </Button>
          )}
        </Group>
      </Group>
      {test.data && (
        <div style={{ marginTop: 'var(--mantine-spacing-md)' }}>
          <TestResult
            result={test.data}
            steps={(test.data.steps ?? []).map((step) => ({
              ...step,
              title: t(`settings.media.steps.${step.step}`),
            }))}
            notes={[]}
          />
        </div>
      )}
    </Paper>
  );
}

/** "news-images/2026 · https://s3.example.org" */
function placeOf(storage: MediaStorage): string {
  const path = [storage.bucket, storage.prefix].filter(Boolean).join('/');
  return [path, storage.endpoint || storage.region].filter(Boolean).join(' · ');
}
