import { Button, Group, List, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { SuppressionImport, SuppressionReason } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { FileDrop } from '@/ui/file-drop';
import { FormAlert } from '@/ui/form-alert';
import { StatGrid } from '@/ui/stat-tile';
import { importSuppressions } from './queries';

export const reasons: SuppressionReason[] = ['bounce', 'complaint', 'unsubscribe', 'manual'];

/** Suppresses what is in a file, and says what came of it. */
export function ImportDialog({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t('suppressions.importTitle')} size="lg">
      <ImportForm onClose={onClose} />
    </Modal>
  );
}

function ImportForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [reason, setReason] = useState<SuppressionReason>('manual');
  const [detail, setDetail] = useState('');
  const run = useMutation({
    mutationFn: importSuppressions,
    onSettled: () => {
      void queryClient.invalidateQueries({ queryKey: ['subscribers'] });
      return queryClient.invalidateQueries({ queryKey: ['suppressions'] });
    },
  });
  if (run.data) return <Result result={run.data} onClose={onClose} />;
  return (
    <Stack>
      <FormAlert message={run.error && errorMessage(run.error)} />
      <Text>{t('suppressions.importText')}</Text>
      <FileDrop
        label={t('suppressions.importFile')}
        hint={t('suppressions.importHint')}
        accept=".csv,.txt,text/csv,text/plain"
        file={file}
        onFile={setFile}
      />
      <Select
        label={t('suppressions.importReason')}
        allowDeselect={false}
        data={reasons.map((one) => ({ value: one, label: t(`suppressions.reason.${one}`) }))}
        value={reason}
        onChange={(value) => value && setReason(value)}
      />
      <TextInput
        label={t('suppressions.importDetail')}
        value={detail}
        onChange={(event) => setDetail(event.currentTarget.value)}
      />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button disabled={!file} loading={run.isPending} onClick={() => file && run.mutate({ file, reason, detail })}>
          {t('suppressions.importStart')}
        </Button>
      </Group>
    </Stack>
  );
}

function Result({ result, onClose }: { result: SuppressionImport; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack>
      <Text role="status">{t('suppressions.importDone', { count: result.rows })}</Text>
      <StatGrid
        stats={[
          { label: t('suppressions.importAdded'), value: formatNumber(result.added) },
          { label: t('suppressions.importKnown'), value: formatNumber(result.known) },
          { label: t('suppressions.importRejected'), value: formatNumber(result.rejected) },
        ]}
      />
      {result.problems.length > 0 && (
        <List size="sm" spacing={4} style={{ maxHeight: 260, overflowY: 'auto' }}>
          {result.problems.map((one) => (
            <List.Item key={one.line} style={{ overflowWrap: 'anywhere' }}>
              {t('suppressions.importProblem', { line: one.line, value: one.value })}
              <Text size="sm" c="dimmed">
                {one.reason}
              </Text>
            </List.Item>
          ))}
        </List>
      )}
      {result.rejected > result.problems.length && (
        <Text size="sm" c="dimmed">
          {t('suppressions.importMore', { count: result.problems.length })}
        </Text>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose}>{t('common.close')}</Button>
      </Group>
    </Stack>
  );
}
