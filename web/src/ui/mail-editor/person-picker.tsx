import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconUser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { subscribersQuery } from '@/features/subscribers/queries';

export type Person = { id: number; email: string };
type Props = { value: Person | null; onChange: (person: Person | null) => void };

/** A subscriber, found by what is typed of the address or name; none is whoever the server takes as the example. */
export function PersonPicker({ value, onChange }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [asked] = useDebouncedValue(typed === value?.email ? '' : typed.trim(), 250);
  const [opened, setOpened] = useState(false);
  const people = useQuery({ ...subscribersQuery({ q: asked || undefined }, {}), enabled: opened });
  const found = (people.data?.items ?? []).slice(0, 20);
  const data = found.map((one) => ({ value: String(one.id), label: one.email }));
  if (value && !data.some((one) => one.value === String(value.id))) {
    data.unshift({ value: String(value.id), label: value.email });
  }
  return (
    <Select
      size="xs"
      aria-label={t('editor.seenAs')}
      placeholder={t('editor.seenAsSample')}
      leftSection={<IconUser size={14} aria-hidden />}
      data={data}
      value={value ? String(value.id) : null}
      onChange={(id, option) => onChange(id === null ? null : { id: Number(id), email: option?.label ?? id })}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('editor.seenAsAnybody') }}
      searchValue={typed}
      onSearchChange={setTyped}
      onDropdownOpen={() => setOpened(true)}
      // The server has already chosen what fits, by more than the address.
      filter={({ options }) => options}
      nothingFoundMessage={people.isFetching ? t('common.loading') : t('editor.nobodyFound')}
      comboboxProps={{ width: 280, position: 'bottom-end' }}
      w={{ base: '100%', xs: 210 }}
    />
  );
}
