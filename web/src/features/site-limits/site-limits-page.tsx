import { ActionIcon, Alert, Button, Group, Menu, Paper, Stack, Text } from '@mantine/core';
import {
  IconDots,
  IconInfoCircle,
  IconPencil,
  IconPlus,
  IconRestore,
  IconServer2,
  IconTrash,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Relay, SiteLimits } from '@/api/types';
import { relaysQuery } from '@/features/relays/queries';
import { formatNumber } from '@/lib/format';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { SearchInput } from '@/ui/search-input';
import { StatusBadge } from '@/ui/status-badge';
import { LimitDialog, type LimitDraft } from './limit-dialog';
import { siteLimitsQuery } from './queries';
import { isMeant, isSet, type LimitRow, limitRows, withoutLimit } from './site-limits';
import { useSetLimits } from './use-set-limits';

const route = getRouteApi('/shell/site-limits');

/** What may go to each receiver of mail, as it came with the program and as people have set it. */
export function SiteLimitsPage() {
  const { t } = useTranslation();
  const query = useQuery(siteLimitsQuery);
  const { q = '', site, relay } = route.useSearch();
  const navigate = route.useNavigate();
  // Another page leads here with the limit to change in the address.
  const [draft, setDraft] = useState<LimitDraft | null>(site ? { site, relay_id: relay ?? null, fixed: 'both' } : null);
  const close = () => {
    setDraft(null);
    // Of what is searched for now: it may have changed since the dialog was opened.
    void navigate({ search: ({ q: now }) => (now ? { q: now } : {}), replace: true });
  };
  return (
    <>
      <PageHeader
        title={t('nav.siteLimits')}
        description={t('siteLimits.text')}
        back={
          <LinkAnchor to="/relays" className="link">
            {t('nav.relays')}
          </LinkAnchor>
        }
        actions={
          <Button
            leftSection={<IconPlus size={16} />}
            onClick={() => setDraft({ site: '', relay_id: null, fixed: 'nothing' })}
          >
            {t('siteLimits.add')}
          </Button>
        }
      />
      <Stack>
        <Explanation />
        <Paper style={{ overflow: 'hidden' }}>
          <Group p="md">
            <SearchInput
              label={t('siteLimits.search')}
              value={q}
              onChange={(words) => void navigate({ search: words ? { q: words } : {}, replace: true })}
            />
          </Group>
          <QueryView query={query}>
            {(limits) => (
              <>
                <LimitsTable limits={limits} words={q} onEdit={setDraft} />
                <LimitDialog limits={limits} draft={draft} onClose={close} />
              </>
            )}
          </QueryView>
        </Paper>
      </Stack>
    </>
  );
}

/** What a site is, and whether anything keeps these limits at all. */
function Explanation() {
  const { t } = useTranslation();
  const { data } = useQuery(relaysQuery);
  const keeping = data?.items.filter((relay) => relay.site_limits);
  return (
    <Alert variant="default" icon={<IconInfoCircle color="var(--app-info)" />} title={t('siteLimits.what')}>
      <Stack gap="xs">
        <Text>{t('siteLimits.whatText')}</Text>
        {keeping && (
          <Text component="div">
            {keeping.length === 0 ? t('siteLimits.keptByNone') : t('siteLimits.keptBy')}{' '}
            {keeping.map((relay, index) => (
              <span key={relay.id}>
                {index > 0 && ', '}
                <LinkAnchor to="/relays/$id" params={{ id: String(relay.id) }} className="link">
                  {relay.name}
                </LinkAnchor>
              </span>
            ))}
            {keeping.length > 0 && '.'}
          </Text>
        )}
      </Stack>
    </Alert>
  );
}

type TableProps = { limits: SiteLimits; words: string; onEdit: (draft: LimitDraft) => void };

function LimitsTable({ limits, words, onEdit }: TableProps) {
  const { t } = useTranslation();
  const { data } = useQuery(relaysQuery);
  const relayName = (id: number | null) =>
    id === null ? t('siteLimits.allRelays') : (data?.items.find((relay) => relay.id === id)?.name ?? `${id}`);
  const rows = limitRows(limits).filter((row) => isMeant(row, relayName(row.relay_id), words.trim()));
  const freeFor = (site: string) =>
    data?.items.find((relay) => relay.site_limits && !isSet(limits, { site, relay_id: relay.id }));
  const columns = useColumns({ asOf: limits.as_of, relayName, freeFor, onEdit });
  if (rows.length === 0) {
    return <EmptyState icon={IconServer2} title={t('siteLimits.none')} text={t('siteLimits.noneText')} />;
  }
  return <DataTable label={t('nav.siteLimits')} columns={columns} rows={rows} rowKey={(row) => row.key} />;
}

type Columns = {
  asOf: string;
  relayName: (id: number | null) => string;
  freeFor: (site: string) => Relay | undefined;
  onEdit: TableProps['onEdit'];
};

function useColumns({ asOf, relayName, freeFor, onEdit }: Columns): Column<LimitRow>[] {
  const { t } = useTranslation();
  const figure = (name: 'in_flight' | 'per_minute' | 'per_hour'): Column<LimitRow> => ({
    key: name,
    header: t(`siteLimits.${name}`),
    align: 'end',
    render: (row) => <Figure row={row} name={name} />,
  });
  return [
    {
      key: 'site',
      header: t('siteLimits.site'),
      width: '30%',
      render: (row) => (
        <div style={{ overflowWrap: 'anywhere' }}>
          <Text fw={550}>{row.name}</Text>
          {row.known && (
            <Text size="sm" c="dimmed">
              {row.known.mx.join(', ')}
            </Text>
          )}
        </div>
      ),
    },
    { key: 'relay', header: t('siteLimits.holdsFor'), render: (row) => relayName(row.relay_id) },
    figure('in_flight'),
    figure('per_minute'),
    figure('per_hour'),
    {
      key: 'source',
      header: t('siteLimits.source'),
      render: (row) =>
        row.shipped ? (
          <StatusBadge tone="quiet">{t('siteLimits.shipped', { date: asOf })}</StatusBadge>
        ) : (
          <StatusBadge tone="info">{t('siteLimits.own')}</StatusBadge>
        ),
    },
    {
      key: 'menu',
      header: '',
      width: 56,
      render: (row) => (
        <RowMenu row={row} relayName={relayName(row.relay_id)} free={freeFor(row.site)} onEdit={onEdit} />
      ),
    },
  ];
}

/** A figure, and beside a person's own the one that it stands for. */
function Figure({ row, name }: { row: LimitRow; name: 'in_flight' | 'per_minute' | 'per_hour' }) {
  const { t } = useTranslation();
  const tell = (value: number | null) => (value === null ? t('relays.noLimit') : formatNumber(value));
  const changed = row.behind?.[name] !== row[name];
  return (
    <div>
      {tell(row[name])}
      {changed && row.behind && (
        <Text size="sm" c="dimmed">
          {t('siteLimits.insteadOf', { other: tell(row.behind[name]) })}
        </Text>
      )}
    </div>
  );
}

type MenuProps = {
  row: LimitRow;
  relayName: string;
  /** A relay that keeps limits and has none of its own for the site yet. */
  free: Relay | undefined;
  onEdit: TableProps['onEdit'];
};

function RowMenu({ row, relayName, free, onEdit }: MenuProps) {
  const { t } = useTranslation();
  const set = useSetLimits();
  const resets = row.known !== undefined && row.relay_id === null;
  const names = { site: row.name, relay: relayName };
  const remove = () =>
    confirmAction({
      title: t(resets ? 'siteLimits.resetTitle' : 'siteLimits.deleteTitle', names),
      body: t(resets ? 'siteLimits.resetText' : 'siteLimits.deleteText', names),
      confirm: t(resets ? 'siteLimits.reset' : 'common.delete'),
      danger: !resets,
      onConfirm: () =>
        set.mutate((all) => withoutLimit(all, row), {
          onSuccess: () => notifySuccess(t(resets ? 'siteLimits.wasReset' : 'siteLimits.deleted', names)),
          onError: notifyError,
        }),
    });
  return (
    <Group justify="flex-end">
      <Menu>
        <Menu.Target>
          <ActionIcon
            variant="subtle"
            color="gray"
            loading={set.isPending}
            aria-label={t('common.actionsFor', { name: `${row.name}, ${relayName}` })}
          >
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            leftSection={<IconPencil size={15} />}
            onClick={() => onEdit({ site: row.site, relay_id: row.relay_id, fixed: 'both' })}
          >
            {t('siteLimits.edit')}
          </Menu.Item>
          {row.relay_id === null && free && (
            <Menu.Item
              leftSection={<IconServer2 size={15} />}
              onClick={() => onEdit({ site: row.site, relay_id: free.id, fixed: 'site' })}
            >
              {t('siteLimits.forOne')}
            </Menu.Item>
          )}
          {!row.shipped && (
            <Menu.Item
              color="var(--app-bad)"
              leftSection={resets ? <IconRestore size={15} /> : <IconTrash size={15} />}
              onClick={remove}
            >
              {t(resets ? 'siteLimits.reset' : 'common.delete')}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
