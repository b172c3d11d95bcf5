import { Radio, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { fieldsQuery } from '@/features/fields/queries';
import { LinkAnchor } from '@/ui/link';

type LocalTime = Campaign['local_time'];
type Props = { value: LocalTime; onChange: (value: LocalTime) => void; fieldError?: string | undefined };

const lates = ['send', 'skip', 'next_day'] as const;

/** Where each person's time zone is known from, and what becomes of those for whom the time has passed. */
export function LocalTimeFields({ value, onChange, fieldError }: Props) {
  const { t } = useTranslation();
  const fields = useQuery(fieldsQuery());
  const texts = (fields.data ?? []).filter((field) => field.type === 'text');
  const names = [...new Set([...texts.map((field) => field.name), value.zone_field ?? ''])].filter(Boolean);
  return (
    <Stack>
      <Select
        label={t('campaigns.local.field')}
        description={t('campaigns.local.fieldHint')}
        placeholder={t('campaigns.local.noField')}
        clearable
        data={names.map((name) => ({ value: name, label: texts.find((field) => field.name === name)?.label || name }))}
        value={value.zone_field || null}
        onChange={(name) => onChange({ ...value, zone_field: name ?? '' })}
        error={fieldError}
      />
      <Text size="sm" c="dimmed">
        {t('campaigns.local.else')}{' '}
        <LinkAnchor to="/lists" size="sm" underline="always">
          {t('campaigns.local.lists')}
        </LinkAnchor>
      </Text>
      <Radio.Group
        label={t('campaigns.local.late')}
        description={t('campaigns.local.lateHint')}
        value={value.late || 'send'}
        onChange={(late) => onChange({ ...value, late: late as (typeof lates)[number] })}
      >
        <Stack gap={6} mt={6}>
          {lates.map((late) => (
            <Radio key={late} value={late} label={t(`campaigns.local.lates.${late}`)} />
          ))}
        </Stack>
      </Radio.Group>
    </Stack>
  );
}
