import { formatNumber } from '@/lib/format';
import classes from './stacked-bar.module.css';

export type BarPart = { key: string; label: string; value: number; color: string };

type Props = { label: string; parts: BarPart[]; total: number; done: number; legend?: boolean; thin?: boolean };

/** Progress of something whose parts have states of their own. done of total is what a screen reader hears. */
export function StackedBar({ label, parts, total, done, legend = false, thin = false }: Props) {
  const shown = parts.filter((part) => part.value > 0);
  return (
    <div>
      <div
        className={`${classes.bar} ${thin ? classes.thin : ''}`}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={total > 0 ? Math.round((done / total) * 100) : 0}
      >
        {total > 0 &&
          shown.map((part) => (
            <div
              key={part.key}
              className={classes.part}
              title={`${part.label}: ${formatNumber(part.value)}`}
              style={{ width: `${(part.value / total) * 100}%`, background: part.color }}
            />
          ))}
      </div>
      {legend && (
        <ul className={classes.legend}>
          {shown.map((part) => (
            <li key={part.key}>
              <span className={classes.dot} style={{ background: part.color }} />
              <span>{part.label}</span>
              <strong className="tabular">{formatNumber(part.value)}</strong>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
