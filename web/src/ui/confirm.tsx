import { Text } from '@mantine/core';
import { modals } from '@mantine/modals';
import type { ReactNode } from 'react';
import { i18n } from '@/lib/i18n';

type Confirm = { title: string; body: ReactNode; confirm: string; danger?: boolean; onConfirm: () => void };

/** Asks before an act that destroys or sends; title and button name the thing and the count. */
export function confirmAction({ title, body, confirm, danger = true, onConfirm }: Confirm) {
  modals.openConfirmModal({
    title,
    children: (
      <Text size="md" component="div">
        {body}
      </Text>
    ),
    labels: { confirm, cancel: i18n.t('common.cancel') },
    confirmProps: danger ? { color: 'red.8' } : {},
    onConfirm,
  });
}

/** Asks before what somebody has written is thrown away. */
export function confirmLeave(onConfirm: () => void) {
  confirmAction({
    title: i18n.t('common.leaveTitle'),
    body: i18n.t('common.leaveText'),
    confirm: i18n.t('common.leave'),
    onConfirm,
  });
}
