import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useProgress } from '@/api/events';
import type { Import } from '@/api/types';
import { formatBytes } from '@/lib/format';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { ImportBadge } from './import-badge';
import { ImportChecked } from './import-checked';
import { ImportColumns } from './import-columns';
import { ImportMoving } from './import-moving';
import { ImportResult } from './import-result';
import { isMoving, stepOf, type View, viewOf } from './import-status';
import { ImportSteps } from './import-steps';
import { importProgressPath, importQuery } from './queries';

const route = getRouteApi('/shell/imports/$id');
const POLL_MS = 1_500;

/** One import: its columns, the check of the whole file, the live run, its result, and the way back. */
export function ImportPage() {
  const id = Number(route.useParams().id);
  const queryClient = useQueryClient();
  const known = useQuery(importQuery(id));
  const moving = known.data !== undefined && isMoving(known.data.status);
  const streaming = useProgress<Import>(importProgressPath(id), moving, (job) => {
    queryClient.setQueryData(importQuery(id).queryKey, job);
  });
  useQuery({ ...importQuery(id), refetchInterval: moving && !streaming ? POLL_MS : false });
  useRefreshAfter(moving);
  return <QueryView query={known}>{(job) => <ImportView job={job} />}</QueryView>;
}

/** What others show of people is old once something that ran has ended. */
function useRefreshAfter(moving: boolean) {
  const queryClient = useQueryClient();
  const before = useRef(moving);
  useEffect(() => {
    if (before.current && !moving) {
      for (const queryKey of [['imports', 'page'], ['lists'], ['subscribers'], ['overview'], ['fields']]) {
        void queryClient.invalidateQueries({ queryKey, refetchType: 'active' });
      }
    }
    before.current = moving;
  }, [moving, queryClient]);
}

function ImportView({ job }: { job: Import }) {
  const { t } = useTranslation();
  const { step } = route.useSearch();
  const navigate = route.useNavigate();
  const view = viewOf(job, step === 'columns');
  const changed = useChanged(view);
  const toColumns = (columns: boolean) =>
    void navigate({ search: columns ? { step: 'columns' } : {}, resetScroll: true });
  return (
    <>
      <PageHeader
        title={job.filename}
        badge={<ImportBadge job={job} />}
        description={
          <>
            {formatBytes(job.size_bytes)} · {t('imports.into')}{' '}
            <LinkAnchor to="/lists/$id" params={{ id: String(job.list_id) }} underline="always">
              {job.list_name}
            </LinkAnchor>
          </>
        }
        back={
          <LinkAnchor to="/imports" className="link">
            {t('nav.imports')}
          </LinkAnchor>
        }
      />
      {job.status !== 'undoing' && job.status !== 'undone' && (
        <ImportSteps current={stepOf(view)} unchecked={job.check?.status !== 'done'} />
      )}
      <ViewOf key={view} view={view} job={job} focus={changed} toColumns={toColumns} />
    </>
  );
}

type ViewProps = { view: View; job: Import; focus: boolean; toColumns: (columns: boolean) => void };

function ViewOf({ view, job, focus, toColumns }: ViewProps) {
  switch (view) {
    case 'columns':
      return <ImportColumns job={job} focus={focus} onChecking={() => toColumns(false)} />;
    case 'checked':
      return <ImportChecked job={job} focus={focus} onBack={() => toColumns(true)} />;
    case 'checking':
    case 'moving':
      return <ImportMoving job={job} focus={focus} />;
    case 'result':
      return <ImportResult job={job} focus={focus} />;
  }
}

/** Whether the view is another one than the page was opened with. */
function useChanged(view: View): boolean {
  const first = useRef(view);
  const changed = useRef(false);
  if (view !== first.current) changed.current = true;
  return changed.current;
}
