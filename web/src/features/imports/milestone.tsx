import { VisuallyHidden } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { formatPercent } from '@/lib/format';

const STEP = 0.25;

/** Says every quarter of the way to a screen reader; the figures themselves change too often to be read out. */
export function Milestone({ label, progress }: { label: string; progress: number }) {
  const { t } = useTranslation();
  const reached = Math.floor(Math.min(1, progress) / STEP) * STEP;
  return (
    <VisuallyHidden role="status">
      {t('imports.milestone', { label, percent: formatPercent(reached, 1) })}
    </VisuallyHidden>
  );
}
