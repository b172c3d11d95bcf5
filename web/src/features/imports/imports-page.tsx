import { Paper, Progress, Text } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { formatBytes, formatPercent } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { useCameBy } from './came-by';
import { FiguresBar } from './figures';
import { ImportBadge } from './import-badge';
import { isMoving } from './import-status';
import { ImportsEmpty } from './imports-empty';
import { importsQuery } from './queries';

const route = getRouteApi('/shell/imports');
const REFRESH_MS = 2_000;

/** Every file that came, what became of it, who brought it and when. */
export function ImportsPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const cursor = useCursor('');
  const query = useQuery({
    ...importsQuery(cursor.current),
    refetchInterval: (state) => (state.state.data?.items.some((job) => isMoving(job.status)) ? REFRESH_MS : false),
  });
  const columns = useColumns();
  return (
    <>
      <PageHeader
        title={t('nav.imports')}
        description={t('imports.text')}
        actions={
          <LinkButton to="/imports/new" leftSection={<IconUpload size={16} />}>
            {t('imports.new')}
          </LinkButton>
        }
      />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <ImportsEmpty />
            ) : (
              <>
                <DataTable
                  label={t('nav.imports')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.id}
                  onRowClick={(row) => void navigate({ to: '/imports/$id', params: { id: String(row.id) } })}
                />
                <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
              </>
            )
          }
        </QueryView>
      </Paper>
    </>
  );
}

function useColumns(): Column<Import>[] {
  const { t } = useTranslation();
  const cameBy = useCameBy();
  return [
    {
      key: 'file',
      header: t('imports.file'),
      width: '34%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          <LinkAnchor
            to="/imports/$id"
            params={{ id: String(row.id) }}
            className="link-strong"
            style={{ overflowWrap: 'anywhere' }}
          >
            {row.filename}
          </LinkAnchor>
          <Text size="sm" c="dimmed">
            {t('imports.intoList', { list: row.list_name, size: formatBytes(row.size_bytes) })}
          </Text>
        </div>
      ),
    },
    {
      key: 'status',
      header: t('common.status'),
      nowrap: true,
      render: (row) => <ImportBadge job={row} />,
    },
    { key: 'result', header: t('imports.outcome'), render: (row) => <Outcome job={row} /> },
    {
      key: 'when',
      header: t('imports.when'),
      nowrap: true,
      render: (row) => (
        <div>
          <RelativeTime at={row.created_at} />
          {row.created_by && (
            <Text size="sm" c="dimmed">
              {cameBy(row.created_by)}
            </Text>
          )}
        </div>
      ),
    },
  ];
}

/** How far it is, or what came of it. */
function Outcome({ job }: { job: Import }) {
  const { t } = useTranslation();
  if (job.status === 'checking' || job.status === 'queued' || job.status === 'running') {
    return (
      <div style={{ minWidth: 150 }}>
        <Progress value={job.progress * 100} aria-label={t('imports.progressOf', { name: job.filename })} />
        <Text size="sm" c="dimmed" mt={4} className="tabular">
          {formatPercent(job.progress, 1)}
        </Text>
      </div>
    );
  }
  // Nothing has been stored yet; what a check found is what can be said.
  const figures = job.status === 'uploaded' ? job.check : job;
  if (!figures || figures.rows === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('imports.nothingYet')}
      </Text>
    );
  }
  const key =
    job.status === 'uploaded' ? 'imports.wouldBe' : job.status === 'undone' ? 'imports.had' : 'imports.became';
  return (
    <div style={{ minWidth: 150 }}>
      <FiguresBar label={t('imports.resultBar', { name: job.filename })} figures={figures} progress={1} thin />
      <Text size="sm" mt={4} className="tabular" c={job.status === 'undone' ? 'dimmed' : undefined}>
        {t(key, { created: figures.created, updated: figures.updated, rejected: figures.rejected })}
      </Text>
    </div>
  );
}
