import { Button, Group, Paper, Progress, Stack, Text } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Import, ImportFigures } from '@/api/types';
import { formatBytes, formatDuration, formatNumber, formatPercent } from '@/lib/format';
import { confirmAction } from '@/ui/confirm';
import { notifyError } from '@/ui/notify';
import { Figures, FiguresBar } from './figures';
import { storing } from './import-status';
import { UndoFigures } from './import-undo';
import { Milestone } from './milestone';
import { cancelImport, importQuery, stopCheck } from './queries';
import { useSpeed } from './speed';
import { StepTitle } from './step-title';

type Doing = 'check' | 'import' | 'undo';

/** Something that runs over the file or its people: the check, the import, or the undo. */
export function ImportMoving({ job, focus }: { job: Import; focus: boolean }) {
  const { t } = useTranslation();
  const doing: Doing = job.status === 'checking' ? 'check' : job.status === 'undoing' ? 'undo' : 'import';
  const figures = doing === 'check' ? job.check : job;
  return (
    <Stack>
      <StepTitle focus={focus} text={t('imports.moving.close')}>
        {t(`imports.moving.${doing}`)}
      </StepTitle>
      {doing === 'undo' ? (
        <Undoing job={job} />
      ) : (
        <>
          <Bar job={job} doing={doing} figures={figures ?? job} />
          <Figures figures={figures ?? job} checked={doing === 'check'} />
        </>
      )}
    </Stack>
  );
}

function Bar({ job, doing, figures }: { job: Import; doing: 'check' | 'import'; figures: ImportFigures }) {
  const { t } = useTranslation();
  // The progress is of whatever runs, a check or the import; read_bytes is of the import alone.
  const read = job.progress * job.size_bytes;
  const bytes = useSpeed(read, job.size_bytes);
  const rows = useSpeed(figures.rows, Number.POSITIVE_INFINITY);
  const waiting = job.status === 'queued' || (job.progress === 0 && figures.rows === 0);
  return (
    <Paper p="md" component="section" aria-label={t('imports.progress')}>
      <Group justify="space-between" mb="sm" align="flex-start">
        <div>
          <Text fz={28} fw={650} lh={1.2} className="tabular" component="div">
            {waiting ? t('imports.moving.waiting') : formatPercent(job.progress, 1)}
          </Text>
          <Text c="dimmed" className="tabular">
            {[
              t('imports.moving.rows', { count: figures.rows }),
              rows && t('imports.moving.perSecond', { rate: formatNumber(Math.round(rows.perSecond)) }),
              bytes && t('imports.moving.left', { time: formatDuration(Math.max(1, bytes.secondsLeft)) }),
            ]
              .filter(Boolean)
              .join(' · ')}
          </Text>
        </div>
        <StopButton job={job} doing={doing} />
      </Group>
      <FiguresBar label={t('imports.progressOf', { name: job.filename })} figures={figures} progress={job.progress} />
      <Text size="sm" c="dimmed" mt={6} className="tabular">
        {t('imports.moving.read', { read: formatBytes(read), size: formatBytes(job.size_bytes) })}
      </Text>
      <Milestone label={t(`imports.moving.${doing}`)} progress={job.progress} />
    </Paper>
  );
}

function StopButton({ job, doing }: { job: Import; doing: 'check' | 'import' }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const stop = useMutation({
    mutationFn: () => (doing === 'check' ? stopCheck(job.id) : cancelImport(job.id)),
    onSuccess: (stopped) => queryClient.setQueryData(importQuery(job.id).queryKey, stopped),
    onError: notifyError,
  });
  const ask = () =>
    confirmAction({
      title: t('imports.cancelTitle', { name: job.filename }),
      body: t('imports.cancelText', { count: storing(job) }),
      confirm: t('imports.cancel'),
      onConfirm: () => stop.mutate(),
    });
  return (
    <Button
      variant="default"
      leftSection={<IconX size={15} />}
      loading={stop.isPending}
      // A check stores nothing, so there is nothing to ask.
      onClick={doing === 'check' ? () => stop.mutate() : ask}
    >
      {doing === 'check' ? t('imports.stopCheck') : t('imports.cancel')}
    </Button>
  );
}

function Undoing({ job }: { job: Import }) {
  const { t } = useTranslation();
  const speed = useSpeed(job.progress, 1);
  return (
    <>
      <Paper p="md" component="section" aria-label={t('imports.progress')}>
        <Text fz={28} fw={650} lh={1.2} className="tabular" component="div">
          {formatPercent(job.progress, 1)}
        </Text>
        <Text c="dimmed" className="tabular" mb="sm" mih={21}>
          {speed && t('imports.moving.left', { time: formatDuration(Math.max(1, speed.secondsLeft)) })}
        </Text>
        <Progress value={job.progress * 100} size="lg" aria-label={t('imports.progressOf', { name: job.filename })} />
        <Milestone label={t('imports.moving.undo')} progress={job.progress} />
      </Paper>
      {job.undo && <UndoFigures undo={job.undo} />}
    </>
  );
}
