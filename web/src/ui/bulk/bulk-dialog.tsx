import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { BulkKind, BulkOrder, BulkSelection } from '@/api/types';
import { bulkPreviewQuery, startBulk } from '@/features/bulk/queries';
import { fieldsQuery } from '@/features/fields/queries';
import { listsQuery } from '@/features/lists/queries';
import { FieldInput } from '@/ui/field-input';
import { FormAlert } from '@/ui/form-alert';

const kinds: BulkKind[] = ['subscribe', 'unsubscribe', 'remove', 'set_field', 'clear_field', 'suppress', 'delete'];
const withList: BulkKind[] = ['subscribe', 'unsubscribe', 'remove'];

type Props = { selection: BulkSelection | undefined; onClose: () => void };

/** Asks what is to be done with people, names how many they are, and does it. Closed while nobody is selected. */
export function BulkDialog({ selection, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal opened={selection !== undefined} onClose={onClose} title={t('bulk.actions')}>
      {selection && <BulkForm selection={selection} onClose={onClose} />}
    </Modal>
  );
}

/** The order, or undefined as long as something is missing in it. */
export function orderOf(kind: BulkKind, list: number | undefined, field: string, value: unknown, note: string) {
  if (withList.includes(kind)) return list === undefined ? undefined : { action: kind, list_id: list };
  switch (kind) {
    case 'set_field':
      return field && value !== undefined ? { action: kind, field, value } : undefined;
    case 'clear_field':
      return field ? { action: kind, field } : undefined;
    case 'suppress':
      return { action: kind, note };
  }
  return { action: kind };
}

function BulkForm({ selection, onClose }: { selection: BulkSelection; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const lists = useQuery(listsQuery()).data?.items ?? [];
  const fields = useQuery(fieldsQuery()).data ?? [];
  const [kind, setKind] = useState<BulkKind>('subscribe');
  const [list, setList] = useState<number | undefined>(selection.filter?.list_id);
  const [field, setField] = useState('');
  const [value, setValue] = useState<unknown>();
  const [note, setNote] = useState('');
  const order: BulkOrder | undefined = orderOf(kind, list, field, value, note);
  // The note changes nothing about whom it is about.
  const asked = order && { selection, action: kind === 'suppress' ? { action: kind } : order };
  const preview = useQuery(bulkPreviewQuery(asked ?? { selection, action: { action: 'delete' } }, order !== undefined));
  const seen = order && preview.data;
  const start = useMutation({
    mutationFn: startBulk,
    onSuccess: (made) => navigate({ to: '/bulk-actions/$id', params: { id: String(made.id) } }),
    // Somebody came or went: the number that is asked about must be the one of now.
    onError: () => void preview.refetch(),
  });
  const chosen = fields.find((one) => one.name === field);
  const problem = start.error ?? (order && preview.error);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (order && seen) start.mutate({ selection, action: order, count: seen.count });
      }}
    >
      <Stack>
        <FormAlert message={problem ? errorMessage(problem) : null} />
        <Select
          label={t('bulk.what')}
          description={t(`bulk.hint.${kind}`)}
          allowDeselect={false}
          data={kinds.map((one) => ({ value: one, label: t(`bulk.action.${one}`) }))}
          value={kind}
          onChange={(next) => next && setKind(next)}
          data-autofocus
        />
        {withList.includes(kind) && (
          <Select
            label={t('bulk.list')}
            required
            searchable
            data={lists.map((one) => ({ value: String(one.id), label: one.name }))}
            value={list === undefined ? null : String(list)}
            onChange={(next) => setList(next ? Number(next) : undefined)}
          />
        )}
        {(kind === 'set_field' || kind === 'clear_field') && (
          <Select
            label={t('bulk.field')}
            required
            searchable
            data={fields
              .filter((one) => !one.pending)
              .map((one) => ({ value: one.name, label: one.label || one.name }))}
            value={field || null}
            onChange={(next) => {
              setField(next ?? '');
              setValue(undefined);
            }}
          />
        )}
        {kind === 'set_field' && chosen && (
          <FieldInput label={t('bulk.value')} type={chosen.type} value={value} onChange={setValue} />
        )}
        {kind === 'suppress' && (
          <TextInput
            label={t('bulk.note')}
            description={t('bulk.noteHint')}
            maxLength={500}
            value={note}
            onChange={(event) => setNote(event.currentTarget.value)}
          />
        )}
        {order && (
          <Alert variant="default" role="status">
            {seen ? (
              <>
                <Text fw={600}>{seen.count === 0 ? t('bulk.nobody') : t('bulk.count', { count: seen.count })}</Text>
                {seen.count > 0 && (
                  <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
                    {t('bulk.sample', { names: seen.sample.map((one) => one.email).join(', ') })}
                  </Text>
                )}
                <Text size="sm">{t('bulk.undoHint')}</Text>
              </>
            ) : (
              t('bulk.counting')
            )}
          </Alert>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button
            type="submit"
            disabled={!seen || seen.count === 0}
            loading={start.isPending}
            {...(kind === 'delete' || kind === 'suppress' ? { color: 'red.8' } : {})}
          >
            {seen && seen.count > 0 ? t('bulk.start', { count: seen.count }) : t(`bulk.action.${kind}`)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
