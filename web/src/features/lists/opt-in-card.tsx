import { Button, Group, Stack, Switch } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconMailQuestion, IconPlus } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { List, OptIn } from '@/api/types';
import { LinkButton } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { OptInDialog } from './opt-in-dialog';
import { optInInput, optInQuery, updateOptIn } from './queries';

/** Whether people confirm, and the way to the mail that asks them to. */
export function OptInCard({ list }: { list: List }) {
  const query = useQuery(optInQuery(list.id));
  return <QueryView query={query}>{(optIn) => <Card list={list} optIn={optIn} />}</QueryView>;
}

function Card({ list, optIn }: { list: List; optIn: OptIn }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [opened, dialog] = useDisclosure();
  const set = useMutation({
    mutationFn: updateOptIn,
    onSuccess: async (saved) => {
      queryClient.setQueryData(optInQuery(list.id).queryKey, saved);
      notifySuccess(saved.opt_in === 'double' ? t('optIn.isDouble') : t('optIn.isSingle'));
      await queryClient.invalidateQueries({ queryKey: ['lists'] });
    },
    onError: notifyError,
  });
  return (
    <Section
      title={t('optIn.title')}
      actions={
        <Group gap="xs">
          <LinkButton variant="default" to="/forms/new" search={{ list: list.id }} leftSection={<IconPlus size={16} />}>
            {t('forms.new')}
          </LinkButton>
        </Group>
      }
    >
      <Stack align="flex-start">
        <Switch
          label={t('optIn.double')}
          description={t('optIn.doubleHint')}
          checked={(set.isPending ? set.variables.opt_in : optIn.opt_in) === 'double'}
          onChange={(event) =>
            set.mutate({ id: list.id, ...optInInput(optIn), opt_in: event.currentTarget.checked ? 'double' : 'single' })
          }
        />
        <Button variant="default" leftSection={<IconMailQuestion size={16} />} onClick={dialog.open}>
          {t('optIn.edit')}
        </Button>
      </Stack>
      <OptInDialog list={list} optIn={optIn} opened={opened} onClose={dialog.close} />
    </Section>
  );
}
