import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useProgress } from '@/api/events';
import type { Import } from '@/api/types';
import { formatBytes } from '@/lib/format';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { StatusBadge } from '@/ui/status-badge';
import { ImportMappingForm } from './import-mapping';
import { ImportProgress } from './import-progress';
import { importTone, isFinal, isMoving } from './import-status';
import { importProgressPath, importQuery } from './queries';

const route = getRouteApi('/shell/imports/$id');
const POLL_MS = 1_500;

/** One import, from the mapping of its columns through the live run to its result. */
export function ImportPage() {
  const { t } = useTranslation();
  const id = Number(route.useParams().id);
  const queryClient = useQueryClient();
  const known = useQuery(importQuery(id));
  const moving = known.data !== undefined && isMoving(known.data.status);
  const streaming = useProgress<Import>(importProgressPath(id), moving, (job) => {
    queryClient.setQueryData(importQuery(id).queryKey, job);
    if (!isFinal(job.status)) return;
    for (const key of ['imports', 'lists', 'subscribers', 'overview']) {
      void queryClient.invalidateQueries({ queryKey: [key], refetchType: 'active' });
    }
  });
  useQuery({ ...importQuery(id), refetchInterval: moving && !streaming ? POLL_MS : false });
  return (
    <QueryView query={known}>
      {(job) => (
        <>
          <PageHeader
            title={job.filename}
            badge={<StatusBadge tone={importTone[job.status]}>{t(`imports.status.${job.status}`)}</StatusBadge>}
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
          {job.status === 'uploaded' ? <ImportMappingForm job={job} /> : <ImportProgress job={job} />}
        </>
      )}
    </QueryView>
  );
}
