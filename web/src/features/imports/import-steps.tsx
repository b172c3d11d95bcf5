import { IconCheck, IconMinus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { type Step, steps } from './import-status';
import classes from './import-steps.module.css';

/** Where a file is on its way; null when it has arrived. A program may start an import without a dry run: unchecked. */
export function ImportSteps({ current, unchecked = false }: { current: Step | null; unchecked?: boolean }) {
  const { t } = useTranslation();
  const at = current ? steps.indexOf(current) : steps.length;
  return (
    <ol className={classes.steps} aria-label={t('imports.steps.label')}>
      {steps.map((step, index) => {
        const behind = unchecked && step === 'check' ? 'skipped' : 'done';
        const state = index < at ? behind : index === at ? 'current' : 'ahead';
        return (
          <li key={step} className={classes.step} data-state={state} aria-current={index === at ? 'step' : undefined}>
            <span className={classes.name}>
              {state === 'done' && <IconCheck size={15} color="var(--app-good)" aria-label={t('imports.steps.done')} />}
              {state === 'skipped' && <IconMinus size={15} aria-label={t('imports.steps.skipped')} />}
              {t(`imports.steps.${step}`)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}
