import { IconCheck } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { type Step, steps } from './import-status';
import classes from './import-steps.module.css';

/** Where a file is on its way; null when it has arrived. */
export function ImportSteps({ current }: { current: Step | null }) {
  const { t } = useTranslation();
  const at = current ? steps.indexOf(current) : steps.length;
  return (
    <ol className={classes.steps} aria-label={t('imports.steps.label')}>
      {steps.map((step, index) => {
        const state = index < at ? 'done' : index === at ? 'current' : 'ahead';
        return (
          <li key={step} className={classes.step} data-state={state} aria-current={index === at ? 'step' : undefined}>
            <span className={classes.name}>
              {state === 'done' && <IconCheck size={15} color="var(--app-good)" aria-label={t('imports.steps.done')} />}
              {t(`imports.steps.${step}`)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
