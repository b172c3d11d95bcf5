import { Button, Paper, Text } from '@mantine/core';
import { IconFlag, IconMailOff, IconUserOff } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { ImportFigures } from '@/api/types';
import { formatList } from '@/lib/format';
import { flags } from './address-looks';
import classes from './callouts.module.css';
import { flaggedCount } from './import-status';
import type { Panel } from './samples-panel';

const kinds = ['unsubscribed', 'suppressed', 'flagged'] as const;
type Kind = (typeof kinds)[number];

const icons = { unsubscribed: IconUserOff, suppressed: IconMailOff, flagged: IconFlag };
const colors: Record<Kind, string> = {
  unsubscribed: 'var(--app-info)',
  suppressed: 'var(--app-warn)',
  flagged: 'var(--app-warn)',
};

type Props = {
  figures: ImportFigures;
  checked: boolean;
  open?: Panel | null;
  /** Shows the people behind a callout; left out where they are not kept. */
  onOpen?: (panel: Panel) => void;
  panelId?: string;
};

/** What deserves to be known beside the four figures: who stays away, and whose address deserves a look. */
export function Callouts({ figures, checked, open, onOpen, panelId }: Props) {
  const { t } = useTranslation();
  const counts: Record<Kind, number> = {
    unsubscribed: figures.unsubscribed,
    suppressed: figures.suppressed,
    flagged: flaggedCount(figures),
  };
  const shown = kinds.filter((kind) => counts[kind] > 0);
  if (shown.length === 0) return null;
  const flagTexts = flags.flatMap((flag) =>
    figures.flagged && figures.flagged[flag] > 0 ? t(`imports.flags.${flag}`, { count: figures.flagged[flag] }) : [],
  );
  return (
    <Paper px="md" py={4} component="section" aria-label={t('imports.callouts.title')}>
      <ul className={classes.callouts}>
        {shown.map((kind) => {
          const IconOf = icons[kind];
          return (
            <li key={kind} className={classes.callout}>
              <IconOf size={20} stroke={1.7} color={colors[kind]} aria-hidden />
              <div>
                <Text fw={600}>{t(`imports.callouts.${kind}`, { count: counts[kind] })}</Text>
                <Text size="sm" c="dimmed">
                  {kind === 'flagged'
                    ? t('imports.callouts.flaggedText', { flags: formatList(flagTexts) })
                    : t(`imports.callouts.${kind}${checked ? 'Text' : 'Done'}`)}
                </Text>
              </div>
              {onOpen && (
                <Button
                  className={classes.show ?? ''}
                  size="compact-sm"
                  variant="default"
                  aria-expanded={open === kind}
                  aria-controls={open === kind ? panelId : undefined}
                  aria-label={t('imports.callouts.showOf', { what: t(`imports.panels.${kind}`) })}
                  onClick={() => onOpen(kind)}
                >
                  {open === kind ? t('imports.callouts.hide') : t('imports.callouts.show')}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </Paper>
  );
}
