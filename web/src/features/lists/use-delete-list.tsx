import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { List } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { notifyError, notifySuccess } from '@/ui/notify';
import { deleteList } from './queries';

/** Deletes a list after asking, with the number of people who are on it. */
export function useDeleteList(onDeleted?: () => void) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: (list: List) => deleteList(list.id),
    onSuccess: async (_, list) => {
      notifySuccess(t('lists.deleted', { name: list.name }));
      onDeleted?.();
      queryClient.removeQueries({ queryKey: ['lists', list.id] });
      await queryClient.invalidateQueries({ queryKey: ['lists', 'page'] });
    },
    onError: notifyError,
  });
  return (list: List) =>
    confirmAction({
      title: t('lists.deleteTitle', { name: list.name }),
      body: t('lists.deleteText', { count: list.counts.subscribed + list.counts.unconfirmed }),
      confirm: t('lists.delete'),
      onConfirm: () => remove.mutate(list),
    });
}
