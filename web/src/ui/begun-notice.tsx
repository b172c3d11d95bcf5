import { Alert, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useEffect, useEffectEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { confirmLeave } from './confirm';

type Props = {
  /** What is written here goes out, and cannot be changed any more. */
  begun: boolean;
  dirty: boolean;
  text: string;
  onLeave: () => void;
};

/** Leaves an editor whose mail has begun to go out; where somebody had written on, it stays and says that this was not saved. */
export function BegunNotice({ begun, dirty, text, onLeave }: Props) {
  const { t } = useTranslation();
  const leave = useEffectEvent(onLeave);
  useEffect(() => {
    if (begun && !dirty) leave();
  }, [begun, dirty]);
  if (!begun || !dirty) return null;
  return (
    <Alert
      role="alert"
      variant="default"
      icon={<IconAlertTriangle color="var(--app-warn)" />}
      title={t('common.begunTitle')}
    >
      <Group justify="space-between" gap="xs">
        <Text>{text}</Text>
        <Button variant="default" size="xs" onClick={() => confirmLeave(onLeave)}>
          {t('common.begunLeave')}
        </Button>
      </Group>
    </Alert>
  );
}
