import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Template } from '@/api/types';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { DiffView } from './diff-view';
import { diffQuery, versionsQuery } from './queries';

type Props = {
  /** The version that the work began with. */
  began: number;
  /** What somebody else has saved since; null while there is nothing to decide. */
  theirs: Template | null;
  onClose: () => void;
  onTakeTheirs: () => void;
  onSaveMine: () => void;
};

/** Somebody has saved since this page was opened: shows what they changed, and asks whose stays. Nothing is lost, since both are versions. */
export function ConflictDialog({ began, theirs, onClose, onTakeTheirs, onSaveMine }: Props) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={theirs !== null}
      onClose={onClose}
      title={t('templates.conflict.title')}
      size="80rem"
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {theirs && (
        <Stack>
          <SavedBy template={theirs} />
          <Changes began={began} theirs={theirs} />
          <Text size="sm" c="dimmed">
            {t('templates.conflict.text')}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('templates.conflict.goOn')}
            </Button>
            <Button variant="default" onClick={onTakeTheirs}>
              {t('templates.conflict.theirs')}
            </Button>
            <Button onClick={onSaveMine}>{t('templates.conflict.mine')}</Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}

function SavedBy({ template }: { template: Template }) {
  const { t } = useTranslation();
  const versions = useQuery(versionsQuery(template.id));
  const newest = versions.data?.items.find((one) => one.version === template.version);
  return (
    <Text>
      {t('templates.conflict.saved', {
        author: newest?.author || t('templates.versions.nobody'),
        version: template.version,
      })}{' '}
      <RelativeTime at={template.updated_at} />
      {newest?.note && ` · ${newest.note}`}
    </Text>
  );
}

function Changes({ began, theirs }: { began: number; theirs: Template }) {
  const query = useQuery(diffQuery(theirs.id, theirs.version, began));
  return <QueryView query={query}>{(diff) => <DiffView diff={diff} />}</QueryView>;
}
