import { Group, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { fieldsQuery } from '@/features/fields/queries';
import { SearchInput } from './search-input';

export type FieldValue = { field?: string | undefined; value?: string | undefined };

/** Keeps the people who have a value in a custom field; nothing when there are no fields. */
export function FieldFilter({ field, value, onChange }: FieldValue & { onChange: (next: FieldValue) => void }) {
  const { t } = useTranslation();
  const items = useQuery(fieldsQuery()).data ?? [];
  if (items.length === 0) return null;
  const chosen = items.find((one) => one.name === field);
  const label = chosen?.label || chosen?.name || '';
  return (
    <Group gap="sm" w={{ base: '100%', xs: 'auto' }} wrap="nowrap">
      <Select
        aria-label={t('subscribers.filterField')}
        placeholder={t('subscribers.anyField')}
        clearable
        searchable
        flex={1}
        miw={140}
        maw={{ xs: 180 }}
        value={chosen?.name ?? null}
        onChange={(name) => onChange({ field: name ?? undefined, value: undefined })}
        data={items.map((one) => ({ value: one.name, label: one.label || one.name }))}
      />
      {chosen?.type === 'boolean' && (
        <Select
          aria-label={t('subscribers.valueOf', { field: label })}
          placeholder={t('subscribers.value')}
          clearable
          w={120}
          value={value ?? null}
          onChange={(next) => onChange({ field, value: next ?? undefined })}
          data={[
            { value: 'true', label: t('common.yes') },
            { value: 'false', label: t('common.no') },
          ]}
        />
      )}
      {chosen && chosen.type !== 'boolean' && (
        <SearchInput
          key={chosen.name}
          label={t('subscribers.valueOf', { field: label })}
          placeholder={t(`subscribers.valueHint.${chosen.type}`)}
          value={value ?? ''}
          onChange={(next) => onChange({ field, value: next || undefined })}
          width={180}
          rest={chosen.type === 'text' || chosen.type === 'list' ? 250 : 700}
        />
      )}
    </Group>
  );
}
