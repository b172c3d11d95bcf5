import { Progress, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

/** A check may take so long; what it did not get to by then it says. */
const LONGEST_S = 20;

/** How far a check has come, as far as that can be known: it answers only at its end. */
export function CheckProgress() {
  const { t } = useTranslation();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const began = Date.now();
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - began) / 1000)), 500);
    return () => clearInterval(timer);
  }, []);
  return (
    <Stack gap={6} role="status">
      <Text fw={550}>{t('preflight.running')}</Text>
      <Progress
        value={Math.min(96, 8 + (seconds / LONGEST_S) * 88)}
        animated
        aria-label={t('preflight.running')}
        transitionDuration={400}
      />
      <Text size="sm" c="dimmed">
        {t('preflight.runningText', { count: LONGEST_S })}
      </Text>
    </Stack>
  );
}
