import { ActionIcon, Tooltip } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconHandStop } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { sendingQuery } from './queries';
import { StopDialog } from './stop-dialog';

/** The emergency stop, within reach on every page: it asks before it does anything. Gone while everything is stopped, when the banner stands. */
export function StopButton() {
  const { t } = useTranslation();
  const sending = useQuery(sendingQuery);
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      {!sending.data?.stopped && (
        <Tooltip label={t('sending.open')}>
          <ActionIcon variant="default" aria-label={t('sending.open')} onClick={open}>
            <IconHandStop size={17} stroke={1.7} color="var(--app-bad)" aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
      <StopDialog opened={opened} onClose={close} />
    </>
  );
}
