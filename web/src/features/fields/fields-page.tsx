import { ActionIcon, Button, Group, Paper, Text, Tooltip } from '@mantine/core';
import { IconForms, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Field } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { StatusBadge } from '@/ui/status-badge';
import { FieldDialog } from './field-dialog';
import { countField, deleteField, fieldsQuery } from './queries';

/** What is kept about people beside address and name. */
export function FieldsPage() {
  const { t } = useTranslation();
  const query = useQuery(fieldsQuery());
  // undefined: closed, null: a new one.
  const [edited, setEdited] = useState<Field | null>();
  const columns = useColumns(setEdited);
  return (
    <>
      <PageHeader
        title={t('nav.fields')}
        description={t('fields.text')}
        actions={
          <Button leftSection={<IconPlus size={16} />} onClick={() => setEdited(null)}>
            {t('fields.new')}
          </Button>
        }
      />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(fields) =>
            fields.length === 0 ? (
              <EmptyState icon={IconForms} title={t('fields.empty')} text={t('fields.emptyText')} />
            ) : (
              <DataTable label={t('nav.fields')} columns={columns} rows={fields} rowKey={(row) => row.name} />
            )
          }
        </QueryView>
      </Paper>
      <FieldDialog field={edited} onClose={() => setEdited(undefined)} />
    </>
  );
}

function useColumns(onEdit: (field: Field) => void): Column<Field>[] {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: deleteField,
    onSuccess: (_, { name }) => {
      notifySuccess(t('fields.deleting', { name }));
      return queryClient.invalidateQueries({ queryKey: ['fields'] });
    },
    onError: notifyError,
  });
  // How many values go is asked at the server first, so that the question can name it.
  const ask = useMutation({
    mutationFn: (field: Field) => countField(field.name),
    onSuccess: ({ people }, { name }) =>
      confirmAction({
        title: t('fields.deleteTitle', { name }),
        body: t('fields.deleteText', { count: people }),
        confirm: t('fields.deleteConfirm', { count: people }),
        onConfirm: () => remove.mutate({ name, count: people }),
      }),
    onError: notifyError,
  });
  return [
    {
      key: 'name',
      header: t('common.name'),
      render: (row) => (
        <div>
          <Text fw={550}>{row.label || row.name}</Text>
          {row.label && (
            <Text size="sm" c="dimmed">
              {row.name}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'type',
      header: t('fields.type'),
      render: (row) => (
        <Group gap={6}>
          {t(`fields.types.${row.type}`)}
          {row.pending && <StatusBadge tone="info">{t(`fields.pending.${row.pending}`)}</StatusBadge>}
        </Group>
      ),
    },
    {
      key: 'tag',
      header: t('fields.tag'),
      render: (row) => <span className="mono">{`{{ subscriber.${row.name} }}`}</span>,
    },
    {
      key: 'actions',
      header: '',
      width: 96,
      render: (row) => (
        <Group gap={4} wrap="nowrap" justify="flex-end">
          <Tooltip label={t('common.edit')}>
            <ActionIcon
              variant="subtle"
              color="gray"
              disabled={row.pending !== null}
              aria-label={`${t('common.edit')} ${row.name}`}
              onClick={() => onEdit(row)}
            >
              <IconPencil size={16} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={t('common.delete')}>
            <ActionIcon
              variant="subtle"
              color="gray"
              disabled={row.pending !== null}
              aria-label={`${t('common.delete')} ${row.name}`}
              onClick={() => ask.mutate(row)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      ),
    },
  ];
}
