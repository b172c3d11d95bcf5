import { Button, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconDownload, IconEraser } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Subscriber } from '@/api/types';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { erasePerson, exportUrl } from './queries';

/** What a person may ask for: a copy of everything that is kept about them, and that it is erased. */
export function PersonMenu({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const [erasing, dialog] = useDisclosure();
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <Button variant="default" leftSection={<IconDownload size={16} />}>
            {t('subscribers.export')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item component="a" href={exportUrl(subscriber.id, 'zip')} download>
            {t('subscribers.exportZip')}
          </Menu.Item>
          <Menu.Item component="a" href={exportUrl(subscriber.id, 'json')} download>
            {t('subscribers.exportJson')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Button variant="default" leftSection={<IconEraser size={16} />} onClick={dialog.open}>
        {t('subscribers.erase')}
      </Button>
      <Modal opened={erasing} onClose={dialog.close} title={t('subscribers.eraseTitle', { email: subscriber.email })}>
        <EraseForm id={subscriber.id} email={subscriber.email} onClose={dialog.close} />
      </Modal>
    </>
  );
}

function EraseForm({ id, email, onClose }: { id: number; email: string; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [typed, setTyped] = useState('');
  const erase = useMutation({
    mutationFn: () => erasePerson(email),
    onSuccess: async () => {
      notifySuccess(t('subscribers.erased'));
      await navigate({ to: '/subscribers' });
      queryClient.removeQueries({ queryKey: ['subscribers', id] });
      void queryClient.invalidateQueries({ queryKey: ['suppressions'] });
      await queryClient.invalidateQueries({ queryKey: ['subscribers', 'page'] });
    },
  });
  const same = typed.trim().toLowerCase() === email.toLowerCase();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (same) erase.mutate();
      }}
    >
      <Stack>
        <FormAlert message={erase.error && errorMessage(erase.error)} />
        <Text>{t('subscribers.eraseText')}</Text>
        <TextInput
          label={t('subscribers.eraseType')}
          placeholder={email}
          autoComplete="off"
          data-autofocus
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" color="red.8" disabled={!same} loading={erase.isPending}>
            {t('subscribers.eraseConfirm')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
