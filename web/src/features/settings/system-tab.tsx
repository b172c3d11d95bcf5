import { SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { SystemInfo } from '@/api/types';
import { formatDuration } from '@/lib/format';
import { type Column, DataTable } from '@/ui/data-table';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { systemQuery } from './queries';

type Node = SystemInfo['nodes'][number];

export function SystemTab() {
  const { t } = useTranslation();
  const query = useQuery({ ...systemQuery, refetchInterval: 10_000 });
  const columns: Column<Node>[] = [
    { key: 'host', header: t('settings.system.host'), render: (row) => <Text fw={550}>{row.host}</Text> },
    { key: 'id', header: t('settings.system.node'), render: (row) => <span className="mono">{row.id}</span> },
    { key: 'started', header: t('settings.system.started'), render: (row) => <RelativeTime at={row.started_at} /> },
    { key: 'seen', header: t('settings.system.seen'), render: (row) => <RelativeTime at={row.seen_at} /> },
  ];
  return (
    <QueryView query={query}>
      {(system) => (
        <Stack>
          <Section title={t('settings.system.title')}>
            <SimpleGrid cols={{ base: 2, sm: 5 }}>
              <Fact name={t('settings.system.version')} value={system.version} />
              <Fact name={t('settings.system.uptime')} value={formatDuration(system.uptime_seconds)} />
              <Fact name={t('settings.system.database')} value={t(`settings.system.databaseKind.${system.database}`)} />
              <Fact name={t('settings.system.postgres')} value={system.postgres_version} />
              <Fact name={t('nav.inbox')} value={system.inbox ? t('settings.system.on') : t('settings.system.off')} />
            </SimpleGrid>
          </Section>
          <Section title={t('settings.system.nodes')} description={t('settings.system.nodesText')} flush>
            <DataTable
              label={t('settings.system.nodes')}
              columns={columns}
              rows={system.nodes}
              rowKey={(row) => row.id}
            />
          </Section>
        </Stack>
      )}
    </QueryView>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
        {value}
      </Text>
    </div>
  );
}
