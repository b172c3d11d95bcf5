import { Button, Group, Modal, SegmentedControl, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Template } from '@/api/types';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { DiffView } from './diff-view';
import { diffQuery, type TemplateInput, unsavedDiffQuery, versionsQuery } from './queries';

type Props = {
  /** The version that the work began with. */
  began: number;
  /** What somebody else has saved since; null while there is nothing to decide. */
  theirs: Template | null;
  /** What is written here and not saved. */
  mine: TemplateInput;
  onClose: () => void;
  onTakeTheirs: () => void;
  onSaveMine: () => void;
};

/** Somebody has saved since this page was opened: shows what they changed and how yours differs, and asks whose stays. */
export function ConflictDialog({ began, theirs, mine, onClose, onTakeTheirs, onSaveMine }: Props) {
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
          <Changes began={began} theirs={theirs} mine={mine} />
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

const sides = ['changed', 'against'] as const;

function Changes({ began, theirs, mine }: { began: number; theirs: Template; mine: TemplateInput }) {
  const { t } = useTranslation();
  const [side, setSide] = useState<(typeof sides)[number]>('changed');
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label={t('templates.conflict.show')}
        value={side}
        onChange={setSide}
        data={sides.map((value) => ({ value, label: t(`templates.conflict.${value}`) }))}
        style={{ alignSelf: 'flex-start', maxWidth: '100%' }}
      />
      {side === 'changed' ? <Theirs began={began} theirs={theirs} /> : <Against theirs={theirs} mine={mine} />}
    </Stack>
  );
}

function Theirs({ began, theirs }: { began: number; theirs: Template }) {
  const query = useQuery(diffQuery(theirs.id, theirs.version, began));
  return <QueryView query={query}>{(diff) => <DiffView diff={diff} />}</QueryView>;
}

function Against({ theirs, mine }: { theirs: Template; mine: TemplateInput }) {
  const { t } = useTranslation();
  const query = useQuery(unsavedDiffQuery(theirs.id, theirs.version, mine));
  return (
    <>
      <Text size="sm" c="dimmed">
        {t('templates.conflict.legend')}
      </Text>
      <QueryView query={query}>{(diff) => <DiffView diff={diff} />}</QueryView>
    </>
  );
}
