import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';
import { importTone } from './import-status';

export function ImportBadge({ job }: { job: Pick<Import, 'status' | 'check'> }) {
  const { t } = useTranslation();
  const waiting = job.status === 'uploaded' && job.check?.status === 'done';
  return (
    <StatusBadge tone={importTone[job.status]}>{t(`imports.status.${waiting ? 'checked' : job.status}`)}</StatusBadge>
  );
}
