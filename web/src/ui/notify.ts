import { notifications } from '@mantine/notifications';
import { errorMessage } from '@/api/problem';
import { i18n } from '@/lib/i18n';

export function notifySuccess(message: string) {
  notifications.show({ message, color: 'green', closeButtonProps: { 'aria-label': i18n.t('common.close') } });
}

export function notifyError(error: unknown) {
  notifications.show({
    title: i18n.t('common.failed'),
    message: errorMessage(error),
    color: 'red',
    autoClose: 10_000,
    closeButtonProps: { 'aria-label': i18n.t('common.close') },
  });
}
