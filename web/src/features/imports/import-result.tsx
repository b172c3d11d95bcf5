import { Group, Paper, Stack, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconHandStop, IconHistory } from '@tabler/icons-react';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { formatDuration } from '@/lib/format';
import { LinkButton } from '@/ui/link';
import { DateTime } from '@/ui/relative-time';
import { Callouts } from './callouts';
import { useCameBy } from './came-by';
import { Figures, FiguresBar } from './figures';
import { canUndo, storing } from './import-status';
import { UndoButton, UndoOutcome } from './import-undo';
import { RejectedRows } from './rejected-rows';
import { StepTitle } from './step-title';

/** What came of an import that ended, the ways on from here, and the way back. */
export function ImportResult({ job, focus }: { job: Import; focus: boolean }) {
  const { t } = useTranslation();
  const undone = job.status === 'undone';
  const never = job.status === 'cancelled' && !job.started_at;
  return (
    <Stack>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <ResultIcon job={job} />
        <StepTitle focus={focus} text={<When job={job} />}>
          {titleOf(job, t)}
        </StepTitle>
      </Group>
      {!never && (
        <>
          <Group gap="xs">
            {!undone && (
              <>
                <LinkButton to="/lists/$id" params={{ id: String(job.list_id) }}>
                  {t('imports.openList', { list: job.list_name })}
                </LinkButton>
                <LinkButton to="/campaigns/new" variant="default">
                  {t('imports.writeCampaign')}
                </LinkButton>
              </>
            )}
            <LinkButton to="/imports/new" search={{ list: job.list_id }} variant="default">
              {t('imports.another')}
            </LinkButton>
            {canUndo(job) && <UndoButton job={job} />}
          </Group>
          {undone && <UndoOutcome job={job} />}
          <Paper p="md" component="section" aria-label={t('imports.figures')}>
            {undone && (
              <Text c="dimmed" mb="sm">
                {t('imports.undo.had')}
              </Text>
            )}
            <FiguresBar label={t('imports.resultBar', { name: job.filename })} figures={job} progress={1} />
            <div style={{ height: 14 }} />
            <Figures figures={job} checked={false} />
          </Paper>
          <Callouts figures={job} checked={false} />
          {job.rejected > 0 && <RejectedRows job={job} count={job.rejected} asOf={job.finished_at ?? ''} />}
        </>
      )}
    </Stack>
  );
}

function titleOf(job: Import, t: TFunction): string {
  switch (job.status) {
    case 'failed':
      return t(job.undo ? 'imports.result.undoFailed' : 'imports.result.failed', { reason: job.error ?? '' });
    case 'cancelled':
      return job.started_at ? t('imports.result.cancelled') : t('imports.result.discarded');
    case 'undone':
      return t('imports.result.undone');
    default:
      return storing(job) > 0
        ? t('imports.result.done', { count: storing(job), list: job.list_name })
        : t('imports.result.nothing');
  }
}

function ResultIcon({ job }: { job: Import }) {
  const props = { size: 26, stroke: 1.7, style: { flexShrink: 0 }, 'aria-hidden': true } as const;
  switch (job.status) {
    case 'failed':
      return <IconCircleX {...props} color="var(--app-bad)" />;
    case 'cancelled':
      return <IconHandStop {...props} color="var(--app-quiet)" />;
    case 'undone':
      return <IconHistory {...props} color="var(--app-quiet)" />;
    default:
      return <IconCircleCheck {...props} color="var(--app-good)" />;
  }
}

/** When it ended and how long it took, by whom, and on what consent. */
function When({ job }: { job: Import }) {
  const { t } = useTranslation();
  const cameBy = useCameBy();
  const ended = job.undo?.finished_at ?? job.finished_at;
  const seconds =
    job.started_at && job.finished_at ? (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000 : null;
  return (
    <>
      <DateTime at={ended ?? job.created_at} />
      {seconds !== null &&
        job.status === 'done' &&
        ` · ${t('imports.took', { time: formatDuration(Math.max(1, seconds)) })}`}
      {job.created_by && ` · ${cameBy(job.created_by)}`}
      {job.consent && <div>{t('imports.agreed', { text: job.consent })}</div>}
    </>
  );
}
