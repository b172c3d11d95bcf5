import { Alert, Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SuppressionReason } from '@/api/types';
import { deleteSuppression } from '@/features/suppressions/queries';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from './form-alert';
import { notifySuccess } from './notify';

/** What is to be lifted: an address, or a domain as "@example.org". */
export type Lifted = { email: string; reason: SuppressionReason };

/** Asks why an address or domain may be mailed again, and lifts its suppression. Closed while there is none. */
export function LiftDialog({ lifted, onClose }: { lifted: Lifted | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={lifted !== undefined}
      onClose={onClose}
      title={lifted && t('suppressions.removeTitle', { email: lifted.email })}
    >
      {lifted && <LiftForm lifted={lifted} onClose={onClose} />}
    </Modal>
  );
}

function LiftForm({ lifted, onClose }: { lifted: Lifted; onClose: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [note, setNote] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const lift = useMutation({
    mutationFn: () => deleteSuppression({ email: lifted.email, note }),
    onMutate: () => setProblem(null),
    onSuccess: () => {
      notifySuccess(t('suppressions.removed', { email: lifted.email }));
      onClose();
      void queryClient.invalidateQueries({ queryKey: ['suppressions'] });
      return queryClient.invalidateQueries({ queryKey: ['subscribers'] });
    },
    onError: (error) => setProblem(applyProblem({ getValues: () => ({}), setErrors: () => {} }, error)),
  });
  const complaint = lifted.reason === 'complaint';
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        lift.mutate();
      }}
    >
      <Stack>
        <FormAlert message={problem} />
        {complaint ? (
          <Alert variant="light" color="red" icon={<IconAlertTriangle color="var(--app-bad)" />}>
            <Text c="var(--mantine-color-text)">{t('suppressions.removeComplaint')}</Text>
          </Alert>
        ) : (
          <Text>
            {lifted.email.startsWith('@')
              ? t('suppressions.removeDomain', { domain: lifted.email.slice(1) })
              : t('suppressions.removeText')}
          </Text>
        )}
        <Textarea
          label={t('suppressions.removeNote')}
          description={t('suppressions.removeNoteHint')}
          required
          maxLength={500}
          rows={2}
          data-autofocus
          value={note}
          onChange={(event) => setNote(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" color="red.8" disabled={!note.trim()} loading={lift.isPending}>
            {t('suppressions.remove')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
