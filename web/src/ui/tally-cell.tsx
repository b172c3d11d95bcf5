import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Tally } from '@/api/types';
import { formatNumber } from '@/lib/format';

/** What people did, and below it what machines and unknown ones did, if anything. */
export function TallyCell({ tally }: { tally: Tally }) {
  const { t } = useTranslation();
  return (
    <>
      {formatNumber(tally.human)}
      {tally.machine + tally.unknown > 0 && (
        <Text size="xs" c="dimmed">
          {t('tracking.beside', { machine: tally.machine, unknown: tally.unknown })}
        </Text>
      )}
    </>
  );
}
