import { Stack, Text, Title, VisuallyHidden } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useTranslation } from 'react-i18next';
import type { TemplateDiff } from '@/api/types';
import { type Line, sideBySide, unified } from './diff';
import classes from './diff-view.module.css';

const marks = { same: '', gone: '−', came: '+' } as const;

/** What changed between two versions: side by side where there is room, under one another on a phone. */
export function DiffView({ diff }: { diff: TemplateDiff }) {
  const { t } = useTranslation();
  const wide = useMediaQuery('(min-width: 62em)', true, { getInitialValueInEffect: false });
  const parts = diff.parts ?? [];
  if (parts.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('templates.versions.same')}
      </Text>
    );
  }
  return (
    <Stack>
      {parts.map((part) => (
        <section key={part.part} aria-label={t(`templates.versions.parts.${part.part}`)}>
          <Title order={3} fz="sm" mb={4}>
            {t(`templates.versions.parts.${part.part}`)}
          </Title>
          <div className={classes.diff}>
            {(part.hunks ?? []).map((hunk) => (
              <div key={`${hunk.from_start} ${hunk.to_start}`} className={classes.hunk}>
                {wide
                  ? sideBySide(hunk).map((pair) => (
                      <div key={`${pair.left?.number} ${pair.right?.number}`} className={classes.pair}>
                        <DiffLine line={pair.left} />
                        <DiffLine line={pair.right} />
                      </div>
                    ))
                  : unified(hunk).map((line) => <DiffLine key={`${line.change} ${line.number}`} line={line} />)}
              </div>
            ))}
          </div>
        </section>
      ))}
    </Stack>
  );
}

function DiffLine({ line }: { line: Line | null }) {
  const { t } = useTranslation();
  if (!line) return <div className={`${classes.line} ${classes.none}`} />;
  const mark = marks[line.change];
  return (
    <div className={`${classes.line} ${line.change === 'same' ? '' : classes[line.change]}`}>
      <span className={classes.number} aria-hidden>
        {line.number}
      </span>
      <span className={classes.mark} aria-hidden>
        {mark}
      </span>
      <span className={classes.text}>
        {line.change !== 'same' && <VisuallyHidden>{t(`templates.versions.${line.change}`)} </VisuallyHidden>}
        {line.text}
      </span>
    </div>
  );
}
