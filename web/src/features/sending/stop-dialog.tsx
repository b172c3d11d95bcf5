import { Button, Group, List, Modal, Stack, Text, Textarea } from '@mantine/core';
import { IconHandStop } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import { FormAlert } from '@/ui/form-alert';
import { sendingQuery, stopSending } from './queries';

type Props = { opened: boolean; onClose: () => void };

/** The server keeps no longer reason. */
const MAX_REASON = 500;

/** Says what a stop does, and asks for the reason that others will read. */
export function StopDialog({ opened, onClose }: Props) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [reason, setReason] = useState('');
  const stop = useMutation({
    mutationFn: () => stopSending(reason.trim()),
    onSuccess: (sending) => {
      queryClient.setQueryData(sendingQuery.queryKey, sending);
      void queryClient.invalidateQueries({ queryKey: ['campaigns'] });
      void queryClient.invalidateQueries({ queryKey: ['overview'] });
      setReason('');
      onClose();
    },
  });
  const close = () => {
    stop.reset();
    onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={t('sending.title')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          stop.mutate();
        }}
      >
        <Stack>
          {stop.error && <FormAlert message={errorMessage(stop.error)} />}
          <List spacing={4}>
            <List.Item>{t('sending.all')}</List.Item>
            <List.Item>{t('sending.kept')}</List.Item>
            <List.Item>{t('sending.wire')}</List.Item>
          </List>
          <Textarea
            label={t('common.reason')}
            description={t('sending.reasonHint')}
            placeholder={t('sending.reasonExample')}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            maxLength={MAX_REASON}
            autosize
            minRows={2}
            data-autofocus
          />
          <Text size="sm" c="dimmed">
            {t('sending.single')}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              {t('common.cancel')}
            </Button>
            <Button type="submit" color="red.8" leftSection={<IconHandStop size={16} />} loading={stop.isPending}>
              {t('sending.confirm')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
