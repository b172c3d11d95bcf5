import { IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ImportFigures } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { StackedBar } from '@/ui/stacked-bar';
import classes from './figures.module.css';

export const outcomes = ['created', 'updated', 'unchanged', 'rejected'] as const;
export type Outcome = (typeof outcomes)[number];

const COLORS: Record<Outcome, string> = {
  created: '#2b9a6e',
  updated: '#5c75e8',
  unchanged: '#98a0ae',
  rejected: '#d9483b',
};

type BarProps = { label: string; figures: ImportFigures; progress: number; legend?: boolean; thin?: boolean };

/** What became of the rows. While it runs the bar is as long as the part of the file that was read: how many rows come is not known. */
export function FiguresBar({ label, figures, progress, legend = false, thin = false }: BarProps) {
  const { t } = useTranslation();
  return (
    <StackedBar
      label={label}
      total={progress > 0 ? figures.rows / progress : 0}
      done={figures.rows}
      legend={legend}
      thin={thin}
      parts={outcomes.map((key) => ({ key, label: t(`imports.${key}`), value: figures[key], color: COLORS[key] }))}
    />
  );
}

type Props = {
  figures: ImportFigures;
  /** Of a check: what would become of the rows. */
  checked: boolean;
  /** The figure whose people are shown below, and the way to choose one; without it the figures are only read. */
  open?: string | null;
  onOpen?: (outcome: Outcome) => void;
  /** Figures with people to show. */
  openable?: (outcome: Outcome) => boolean;
  panelId?: string;
};

/** The four figures that add up to the rows of the file. */
export function Figures({ figures, checked, open, onOpen, openable, panelId }: Props) {
  const { t } = useTranslation();
  return (
    <div className={classes.figures}>
      {outcomes.map((outcome) => {
        const active = onOpen && figures[outcome] > 0 && openable?.(outcome);
        const content = (
          <>
            <span className={classes.label}>
              <span className={classes.dot} style={{ background: COLORS[outcome] }} />
              {t(`imports.${outcome}`)}
              {active && (
                <IconChevronDown
                  className={classes.mark}
                  data-open={open === outcome || undefined}
                  size={16}
                  aria-hidden
                />
              )}
            </span>
            <span className={`${classes.value} tabular`}>{formatNumber(figures[outcome])}</span>
            <span className={classes.hint}>{t(`imports.hints.${checked ? 'check' : 'done'}.${outcome}`)}</span>
          </>
        );
        return active ? (
          <button
            key={outcome}
            type="button"
            className={`${classes.figure} ${classes.opens}`}
            aria-expanded={open === outcome}
            aria-controls={open === outcome ? panelId : undefined}
            onClick={() => onOpen(outcome)}
          >
            {content}
          </button>
        ) : (
          <div key={outcome} className={classes.figure}>
            {content}
          </div>
        );
      })}
    </div>
  );
}
