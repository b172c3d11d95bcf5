import { ActionIcon, Button, Group, Modal, Paper, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { IconBan, IconPlus, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Suppression, SuppressionReason } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { useFirstWhenEmpty, usePosition } from '@/lib/use-position';
import { BothWaysPager } from '@/ui/both-ways-pager';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { SearchInput } from '@/ui/search-input';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';
import { createSuppression, deleteSuppression, suppressionsQuery } from './queries';

const route = getRouteApi('/shell/suppressions');
const reasonTone: Record<SuppressionReason, Tone> = {
  bounce: 'bad',
  complaint: 'bad',
  unsubscribe: 'quiet',
  manual: 'info',
};

export function SuppressionsPage() {
  const { t } = useTranslation();
  const { q } = route.useSearch();
  const navigate = route.useNavigate();
  const position = usePosition(q ?? '');
  const query = useQuery(suppressionsQuery(q, position.at));
  useFirstWhenEmpty(position, query);
  const columns = useColumns();
  const [opened, dialog] = useDisclosure();
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={dialog.open}>
      {t('suppressions.add')}
    </Button>
  );
  return (
    <>
      <PageHeader title={t('nav.suppressions')} description={t('suppressions.text')} actions={add} />
      <Paper style={{ overflow: 'hidden' }}>
        <Group p="md">
          <SearchInput
            label={t('suppressions.search')}
            value={q ?? ''}
            onChange={(value) => void navigate({ search: value ? { q: value } : {}, replace: true })}
          />
        </Group>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconBan}
                title={q ? t('suppressions.noMatch') : t('suppressions.empty')}
                text={q ? undefined : t('suppressions.emptyText')}
              />
            ) : (
              <>
                <DataTable
                  label={t('nav.suppressions')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.email}
                />
                <BothWaysPager position={position} page={page} />
              </>
            )
          }
        </QueryView>
      </Paper>
      <Modal opened={opened} onClose={dialog.close} title={t('suppressions.add')}>
        <AddForm onClose={dialog.close} />
      </Modal>
    </>
  );
}

function useColumns(): Column<Suppression>[] {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: (row: Suppression) => deleteSuppression(row.email),
    onSuccess: (_, row) => {
      notifySuccess(t('suppressions.removed', { email: row.email }));
      void queryClient.invalidateQueries({ queryKey: ['subscribers'] });
      return queryClient.invalidateQueries({ queryKey: ['suppressions'] });
    },
    onError: notifyError,
  });
  return [
    { key: 'email', header: t('common.email'), width: '28%', render: (row) => <Text fw={550}>{row.email}</Text> },
    {
      key: 'reason',
      header: t('common.reason'),
      render: (row) => (
        <StatusBadge tone={reasonTone[row.reason]}>{t(`suppressions.reason.${row.reason}`)}</StatusBadge>
      ),
    },
    {
      key: 'evidence',
      header: t('suppressions.evidence'),
      width: '38%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          <Text size="sm">
            {row.source}
            {(row.reason === 'bounce' || row.reason === 'complaint') && (
              <>
                {' · '}
                <LinkAnchor
                  to="/bounces"
                  search={{ q: row.email }}
                  className="link"
                  size="sm"
                  aria-label={t('reports.evidenceOf', { email: row.email })}
                >
                  {t('reports.evidence')}
                </LinkAnchor>
              </>
            )}
          </Text>
          {row.detail && (
            <Text size="sm" c="dimmed" lineClamp={2} title={row.detail} style={{ overflowWrap: 'anywhere' }}>
              {row.detail}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'when',
      header: t('suppressions.since'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.created_at} />,
    },
    {
      key: 'remove',
      header: '',
      width: 56,
      render: (row) => (
        <Tooltip label={t('suppressions.remove')}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('suppressions.removeOf', { email: row.email })}
            onClick={() =>
              confirmAction({
                title: t('suppressions.removeTitle', { email: row.email }),
                body: t('suppressions.removeText'),
                confirm: t('suppressions.remove'),
                onConfirm: () => remove.mutate(row),
              })
            }
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Tooltip>
      ),
    },
  ];
}

function AddForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({ initialValues: { email: '', detail: '' } });
  const add = useMutation({
    mutationFn: createSuppression,
    onMutate: () => setProblem(null),
    onSuccess: async () => {
      onClose();
      void queryClient.invalidateQueries({ queryKey: ['subscribers'] });
      await queryClient.invalidateQueries({ queryKey: ['suppressions'] });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <form onSubmit={form.onSubmit((values) => add.mutate(values))}>
      <Stack>
        <FormAlert message={problem} />
        <TextInput label={t('common.email')} type="email" required data-autofocus {...form.getInputProps('email')} />
        <TextInput
          label={t('suppressions.detail')}
          description={t('suppressions.detailHint')}
          {...form.getInputProps('detail')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t('suppressions.add')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
