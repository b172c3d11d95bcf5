import { Switch } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { List } from '@/api/types';
import { notifyError, notifySuccess } from '@/ui/notify';
import { Section } from '@/ui/section';
import { listQuery, publishList } from './queries';

/** Whether people see the list on their preference pages. */
export function PublicCard({ list }: { list: List }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const publish = useMutation({
    mutationFn: publishList,
    onSuccess: (saved) => {
      queryClient.setQueryData(listQuery(list.id).queryKey, saved);
      notifySuccess(t(saved.public ? 'lists.isPublic' : 'lists.isHidden', { name: saved.name }));
    },
    onError: notifyError,
  });
  return (
    <Section>
      <Switch
        label={t('lists.public')}
        description={t('lists.publicHint')}
        checked={publish.isPending ? publish.variables.isPublic : list.public}
        onChange={(event) => publish.mutate({ id: list.id, isPublic: event.currentTarget.checked })}
      />
    </Section>
  );
}
