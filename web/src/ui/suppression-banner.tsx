import { Alert, Button, Text } from '@mantine/core';
import { IconBan } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Subscriber } from '@/api/types';
import { DateTime } from '@/ui/relative-time';
import { LiftDialog, type Lifted } from './lift-dialog';

/** That a person is never mailed, with the evidence, and the way back. Nothing when they are. */
export function SuppressionBanner({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const [lifted, setLifted] = useState<Lifted>();
  const suppressed = subscriber.suppressed;
  if (!suppressed) return null;
  return (
    <Alert
      variant="default"
      icon={<IconBan color="var(--app-bad)" />}
      title={t('subscribers.suppressedTitle', { reason: t(`suppressions.reason.${suppressed.reason}`) })}
    >
      {suppressed.email.startsWith('@') && (
        <Text>{t('subscribers.suppressedDomain', { domain: suppressed.email.slice(1) })}</Text>
      )}
      <Text>
        <DateTime at={suppressed.created_at} /> · {suppressed.source}
      </Text>
      {suppressed.detail && (
        <Text className="mono" mt={4} style={{ overflowWrap: 'anywhere' }}>
          {suppressed.detail}
        </Text>
      )}
      <Button mt="sm" size="xs" variant="default" onClick={() => setLifted(suppressed)}>
        {t('suppressions.remove')}
      </Button>
      <LiftDialog lifted={lifted} onClose={() => setLifted(undefined)} />
    </Alert>
  );
}
