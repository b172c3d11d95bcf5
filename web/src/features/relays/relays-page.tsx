import { ActionIcon, Group, Menu, Paper, Text } from '@mantine/core';
import { IconDots, IconPlayerPause, IconPlayerPlay, IconPlus, IconServer2, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { isBackup } from '@/lib/routing';
import { confirmAction } from '@/ui/confirm';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PaceCell } from '@/ui/pace-badge';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { RoutingRules } from '@/ui/routing-rules';
import { deleteRelay, pauseRelay, relaysQuery, resumeRelay } from './queries';
import { rates } from './relay-form';

const route = getRouteApi('/shell/relays');

export function RelaysPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const query = useQuery(relaysQuery);
  const columns = useColumns();
  const add = (
    <LinkButton to="/relays/new" leftSection={<IconPlus size={16} />}>
      {t('relays.new')}
    </LinkButton>
  );
  const actions = (
    <>
      <LinkButton to="/site-limits" variant="default">
        {t('nav.siteLimits')}
      </LinkButton>
      {add}
    </>
  );
  return (
    <>
      <PageHeader title={t('nav.relays')} description={t('relays.text')} actions={actions} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState icon={IconServer2} title={t('relays.empty')} text={t('relays.emptyText')} action={add} />
            ) : (
              <DataTable
                label={t('nav.relays')}
                columns={columns}
                rows={page.items}
                rowKey={(row) => row.id}
                onRowClick={(row) => void navigate({ to: '/relays/$id', params: { id: String(row.id) } })}
              />
            )
          }
        </QueryView>
      </Paper>
    </>
  );
}

function useColumns(): Column<Relay>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'name',
      header: t('relays.relay'),
      width: '34%',
      render: (row) => (
        <div>
          <LinkAnchor to="/relays/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          <Text size="sm" c="dimmed">
            {row.kind === 'inbox' ? t('relays.kind.inbox') : `${row.host}:${row.port}`}
          </Text>
          <Part relay={row} />
        </div>
      ),
    },
    {
      key: 'status',
      header: t('common.status'),
      render: (row) => <PaceCell relay={row} />,
    },
    { key: 'tls', header: t('relays.tls'), render: (row) => t(`relays.tlsKind.${row.tls}`) },
    {
      key: 'limit',
      header: t('relays.limit'),
      render: (row) => <Limits relay={row} />,
    },
    {
      key: 'connections',
      header: t('relays.connections'),
      align: 'end',
      render: (row) => formatNumber(row.max_connections),
    },
    { key: 'menu', header: '', width: 56, render: (row) => <RowMenu relay={row} /> },
  ];
}

/** What sets the relay apart from one that takes an equal share of everything. */
function Part({ relay }: { relay: Relay }) {
  const { t } = useTranslation();
  const restricted = relay.from_domains.length + relay.recipient_sites.length > 0;
  const weighted = isBackup(relay) || relay.weight !== 1;
  if (!restricted && !weighted) return null;
  return (
    <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
      {weighted &&
        (isBackup(relay)
          ? t('relays.routing.backupShort')
          : t('relays.routing.weightShort', { count: relay.weight ?? 1 }))}
      {weighted && restricted && ' · '}
      {restricted && <RoutingRules relay={relay} />}
    </Text>
  );
}

function Limits({ relay }: { relay: Relay }) {
  const { t } = useTranslation();
  const limits = rates.flatMap((rate) => {
    const limit = relay[rate];
    return limit === null ? [] : [t(`relays.limitPer.${rate}`, { formatted: formatNumber(limit) })];
  });
  const plans = (['warmup', 'window'] as const).filter((plan) => relay[plan] !== null);
  return (
    <div>
      {limits.join(', ') || t('relays.noLimit')}
      {plans.length > 0 && (
        <Text size="sm" c="dimmed">
          {plans.map((plan) => t(`relays.plans.${plan}`)).join(', ')}
        </Text>
      )}
    </div>
  );
}

function RowMenu({ relay }: { relay: Relay }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const refresh = () => queryClient.invalidateQueries({ queryKey: ['relays'] });
  const pause = useMutation({ mutationFn: () => pauseRelay(relay.id), onSuccess: refresh, onError: notifyError });
  const resume = useMutation({ mutationFn: () => resumeRelay(relay.id), onSuccess: refresh, onError: notifyError });
  const remove = useMutation({
    mutationFn: () => deleteRelay(relay.id),
    onSuccess: () => {
      notifySuccess(t('relays.deleted', { name: relay.name }));
      return refresh();
    },
    onError: notifyError,
  });
  return (
    <Group justify="flex-end">
      <Menu>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('common.actionsFor', { name: relay.name })}>
            <IconDots size={17} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {relay.status === 'active' ? (
            <Menu.Item leftSection={<IconPlayerPause size={15} />} onClick={() => pause.mutate()}>
              {t('relays.pause')}
            </Menu.Item>
          ) : (
            <Menu.Item leftSection={<IconPlayerPlay size={15} />} onClick={() => resume.mutate()}>
              {t('relays.resume')}
            </Menu.Item>
          )}
          <Menu.Item
            color="var(--app-bad)"
            leftSection={<IconTrash size={15} />}
            onClick={() =>
              confirmAction({
                title: t('relays.deleteTitle', { name: relay.name }),
                body: relay.in_use ? t('relays.deleteInUse') : t('relays.deleteText'),
                confirm: t('common.delete'),
                onConfirm: () => remove.mutate(),
              })
            }
          >
            {t('common.delete')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}
