import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { ScheduleRun } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';

type Props = { run: Pick<ScheduleRun, 'out' | 'shift' | 'offset'>; before?: Pick<ScheduleRun, 'offset'> | undefined };

/** Why a run does not take place, and what clocks that change do to it. */
export function RunNotes({ run, before }: Props) {
  const { t } = useTranslation();
  const moved = before !== undefined && before.offset !== run.offset;
  if (!run.out && !run.shift && !moved) return null;
  return (
    <Group gap={6} mt={2}>
      {run.out && <StatusBadge tone="quiet">{t(`newsletters.out.${run.out}`)}</StatusBadge>}
      {run.shift && (
        <Text size="sm" c="var(--app-warn)">
          {t(`newsletters.shift.${run.shift}`)}
        </Text>
      )}
      {moved && !run.shift && (
        <Text size="sm" c="dimmed">
          {t(before.offset < run.offset ? 'newsletters.clocksForward' : 'newsletters.clocksBack')}
        </Text>
      )}
    </Group>
  );
}
