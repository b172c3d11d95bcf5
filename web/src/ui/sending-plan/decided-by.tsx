import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Decider } from '@/api/types';

/** The limit that decides when a mailing ends, or why its end cannot be foretold. */
export function DecidedBy({ decider, ends }: { decider: Decider; ends: boolean }) {
  const { t } = useTranslation();
  return (
    <>
      {!ends && decider.limit !== 'paused' && decider.limit !== 'gate' && `${t('plan.never')} `}
      <Text component="span" size="sm" c="dimmed">
        {t(`plan.decided.${decider.limit}`, { name: decider.name || t('plan.theCampaign') })}
      </Text>
    </>
  );
}
