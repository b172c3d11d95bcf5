import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { notifyError } from '@/ui/notify';
import { cancelImport } from './queries';

/** Gives up a file that was not imported yet. */
export function DiscardButton({ job }: { job: Import }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const discard = useMutation({
    mutationFn: () => cancelImport(job.id),
    onSuccess: async () => {
      await navigate({ to: '/imports' });
      await queryClient.invalidateQueries({ queryKey: ['imports'] });
    },
    onError: notifyError,
  });
  return (
    <Button
      variant="subtle"
      color="gray"
      c="dimmed"
      loading={discard.isPending}
      onClick={() =>
        confirmAction({
          title: t('imports.discardTitle', { name: job.filename }),
          body: t('imports.discardText'),
          confirm: t('imports.discard'),
          onConfirm: () => discard.mutate(),
        })
      }
    >
      {t('imports.discard')}
    </Button>
  );
}
