import { Alert, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';

type Props = { error: unknown; onRetry?: () => void; title?: string };

export function ErrorState({ error, onRetry, title }: Props) {
  const { t } = useTranslation();
  return (
    <Alert
      role="alert"
      variant="default"
      icon={<IconAlertTriangle color="var(--app-bad)" />}
      title={title ?? t('common.loadFailed')}
      m="md"
    >
      <Group justify="space-between">
        <Text>{errorMessage(error)}</Text>
        {onRetry && (
          <Button variant="default" size="xs" onClick={onRetry}>
            {t('common.retry')}
          </Button>
        )}
      </Group>
    </Alert>
  );
}
