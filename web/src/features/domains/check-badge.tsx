import { Group } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleMinus,
  IconCircleX,
  IconClock,
  IconHelpCircle,
} from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { DnsCheckStatus } from '@/api/types';
import { StatusBadge } from '@/ui/status-badge';
import type { Tone } from '@/ui/tone';

export const checkTone: Record<DnsCheckStatus, Tone> = {
  ok: 'good',
  warning: 'warn',
  missing: 'bad',
  different: 'bad',
  unknown: 'warn',
  skipped: 'quiet',
  unchecked: 'quiet',
};

const checkIcon = {
  ok: IconCircleCheck,
  warning: IconAlertTriangle,
  missing: IconCircleX,
  different: IconCircleX,
  unknown: IconHelpCircle,
  skipped: IconCircleMinus,
  unchecked: IconClock,
};

/** What DNS says about something, in colour, sign and word. */
export function CheckBadge({ status }: { status: DnsCheckStatus }) {
  const { t } = useTranslation();
  const Icon = checkIcon[status];
  return (
    <StatusBadge tone={checkTone[status]}>
      <Group component="span" gap={4} wrap="nowrap">
        <Icon size={14} aria-hidden />
        {t(`domains.checkStatus.${status}`)}
      </Group>
    </StatusBadge>
  );
}
