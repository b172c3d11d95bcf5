import { Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconArrowBackUp, IconX } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useProgress } from '@/api/events';
import type { BulkAction, BulkKept } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { notifyError } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { StackedBar } from '@/ui/stacked-bar';
import { StatGrid } from '@/ui/stat-tile';
import { StatusBadge } from '@/ui/status-badge';
import { useBulkWords } from './bulk-words';
import { bulkActionQuery, bulkKeptQuery, bulkProgressPath, bulkTone, cancelBulk, isMoving, undoBulk } from './queries';

const route = getRouteApi('/shell/bulk-actions/$id');
const POLL_MS = 1_500;
const COLORS = { changed: '#2b9a6e', unchanged: '#98a0ae', skipped: '#e3b34c', restored: '#5c75e8', kept: '#e3b34c' };

/** One bulk action: how far it is, what it did, and the way back. */
export function BulkActionPage() {
  const { t } = useTranslation();
  const id = Number(route.useParams().id);
  const queryClient = useQueryClient();
  const words = useBulkWords();
  const known = useQuery(bulkActionQuery(id));
  const moving = known.data !== undefined && isMoving(known.data.status);
  const streaming = useProgress<BulkAction>(bulkProgressPath(id), moving, (one) => {
    queryClient.setQueryData(bulkActionQuery(id).queryKey, one);
    if (isMoving(one.status)) return;
    for (const key of ['bulk', 'lists', 'subscribers', 'suppressions']) {
      void queryClient.invalidateQueries({ queryKey: [key], refetchType: 'active' });
    }
  });
  useQuery({ ...bulkActionQuery(id), refetchInterval: moving && !streaming ? POLL_MS : false });
  return (
    <QueryView query={known}>
      {(one) => (
        <>
          <PageHeader
            title={words.what(one)}
            badge={<StatusBadge tone={bulkTone[one.status]}>{t(`bulk.status.${one.status}`)}</StatusBadge>}
            description={
              <>
                {words.whom(one)} · {t('bulk.by', { who: one.created_by })} · <DateTime at={one.created_at} />
              </>
            }
            back={
              <LinkAnchor to="/bulk-actions" className="link">
                {t('nav.bulk')}
              </LinkAnchor>
            }
            actions={<Act one={one} />}
          />
          <Stack>
            <FormAlert message={one.error} />
            <Progress one={one} />
            <Counts one={one} />
            {one.skipped > 0 && <Kept one={one} undo={false} />}
            {one.kept > 0 && <Kept one={one} undo />}
          </Stack>
        </>
      )}
    </QueryView>
  );
}

function Act({ one }: { one: BulkAction }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const settle = {
    onSuccess: (saved: BulkAction) => queryClient.setQueryData(bulkActionQuery(one.id).queryKey, saved),
    onError: notifyError,
  };
  const undo = useMutation({ mutationFn: undoBulk, ...settle });
  const cancel = useMutation({ mutationFn: cancelBulk, ...settle });
  if (one.status === 'queued' || one.status === 'running') {
    return (
      <Button
        variant="default"
        leftSection={<IconX size={16} />}
        loading={cancel.isPending}
        onClick={() =>
          confirmAction({
            title: t('bulk.cancelTitle'),
            body: t('bulk.cancelText', { count: one.changed }),
            confirm: t('bulk.cancel'),
            onConfirm: () => cancel.mutate(one.id),
          })
        }
      >
        {t('bulk.cancel')}
      </Button>
    );
  }
  if (!one.can_undo) return null;
  return (
    <Button
      variant="default"
      leftSection={<IconArrowBackUp size={16} />}
      loading={undo.isPending}
      onClick={() =>
        confirmAction({
          title: t('bulk.undoTitle', { count: one.changed }),
          body: t('bulk.undoText'),
          confirm: t('bulk.undo'),
          danger: false,
          onConfirm: () => undo.mutate(one.id),
        })
      }
    >
      {t('bulk.undo')}
    </Button>
  );
}

function Progress({ one }: { one: BulkAction }) {
  const { t } = useTranslation();
  const undoing = one.status === 'undoing' || one.status === 'undone';
  const keys = undoing ? (['restored', 'kept'] as const) : (['changed', 'unchanged', 'skipped'] as const);
  const labels = { restored: t('bulk.restored'), kept: t('bulk.keptCount') };
  return (
    <Paper p="md" component="section" aria-label={t('bulk.progress')}>
      <Group justify="space-between" mb="sm" align="baseline">
        <Text fz={26} fw={650} lh={1.2} className="tabular" role="status">
          {formatPercent(one.progress, 1)}
        </Text>
        <Text c="dimmed" size="sm">
          {one.can_undo && one.undo_until && (
            <>
              {t('bulk.until')} <DateTime at={one.undo_until} />
            </>
          )}
          {!one.can_undo && one.status === 'done' && one.changed > 0 && t('bulk.purged')}
        </Text>
      </Group>
      <StackedBar
        label={t('bulk.progress')}
        total={undoing ? one.changed : one.total}
        done={keys.reduce((sum, key) => sum + one[key], 0)}
        legend
        parts={keys.map((key) => ({
          key,
          label: key === 'restored' || key === 'kept' ? labels[key] : t(`bulk.${key}`),
          value: one[key],
          color: COLORS[key],
        }))}
      />
    </Paper>
  );
}

function Counts({ one }: { one: BulkAction }) {
  const { t } = useTranslation();
  const undone = one.status === 'undoing' || one.status === 'undone';
  return (
    <StatGrid
      stats={[
        { label: t('bulk.total'), value: formatNumber(one.total) },
        { label: t('bulk.changed'), value: formatNumber(one.changed) },
        ...(undone
          ? [
              { label: t('bulk.restored'), value: formatNumber(one.restored) },
              { label: t('bulk.keptCount'), value: formatNumber(one.kept) },
            ]
          : [
              { label: t('bulk.unchanged'), value: formatNumber(one.unchanged) },
              { label: t('bulk.skipped'), value: formatNumber(one.skipped) },
            ]),
      ]}
    />
  );
}

function Kept({ one, undo }: { one: BulkAction; undo: boolean }) {
  const { t } = useTranslation();
  const cursor = useCursor('');
  // While it runs the list grows: it is asked for again with each step of the count.
  const query = useQuery({
    ...bulkKeptQuery(one.id, undo, cursor.current),
    refetchInterval: isMoving(one.status) ? POLL_MS : false,
  });
  const columns: Column<BulkKept>[] = [
    {
      key: 'email',
      header: t('common.email'),
      render: (row) =>
        row.email ? (
          <LinkAnchor to="/subscribers/$id" params={{ id: String(row.subscriber_id) }} className="link-strong">
            {row.email}
          </LinkAnchor>
        ) : (
          t('bulk.goneAddress')
        ),
    },
    { key: 'reason', header: t('common.reason'), render: (row) => t(`bulk.reason.${row.reason}`) },
  ];
  const title = undo ? t('bulk.keptTitle') : t('bulk.passed');
  return (
    <Section title={title} description={undo ? t('bulk.keptText') : undefined} flush>
      <QueryView query={query}>
        {(page) => (
          <>
            <DataTable label={title} columns={columns} rows={page.items} rowKey={(row) => row.subscriber_id} />
            <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
          </>
        )}
      </QueryView>
    </Section>
  );
}
