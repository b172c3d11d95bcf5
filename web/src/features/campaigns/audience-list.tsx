import { Group, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Audience } from '@/api/types';
import { formatNumber } from '@/lib/format';

/** Who of the chosen lists is left out, and why. */
export function AudienceList({ audience }: { audience: Audience }) {
  const { t } = useTranslation();
  const excluded = audience.excluded.filter((part) => part.count > 0);
  if (excluded.length === 0 && audience.exact) return null;
  return (
    <div>
      {!audience.exact && (
        <Text size="sm" c="dimmed">
          {t('campaigns.audience.estimated')}
        </Text>
      )}
      {excluded.length > 0 && (
        <Text size="sm" c="dimmed" mt="xs" mb={4}>
          {t('campaigns.audience.leftOut')}
        </Text>
      )}
      {excluded.map((part) => (
        <Group key={part.reason} justify="space-between" gap="md">
          <Text size="sm">{t(`campaigns.audience.${part.reason}`)}</Text>
          <Text size="sm" className="tabular">
            {formatNumber(part.count)}
          </Text>
        </Group>
      ))}
    </div>
  );
}
