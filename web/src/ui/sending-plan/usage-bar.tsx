import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { StackedBar } from '@/ui/stacked-bar';

/** How much of a share went out. */
export function UsageBar({ label, used, most }: { label: string; used: number; most: number }) {
  const { t } = useTranslation();
  const shown = Math.min(used, most);
  const color = used >= most ? 'var(--app-warn)' : 'var(--mantine-primary-color-filled)';
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={6}>
        <Text size="sm" c="dimmed">
          {label}
        </Text>
        <Text size="sm" className="tabular">
          {t('plan.usage.used', { used, most })}
        </Text>
      </Group>
      <StackedBar
        thin
        label={label}
        total={most}
        done={shown}
        parts={[{ key: 'used', label: t('plan.usage.sent'), value: shown, color }]}
      />
    </div>
  );
}
