import { NumberInput, Select, TagsInput, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { FieldType } from '@/api/types';

type Props = {
  label: string;
  type: FieldType;
  value: unknown;
  onChange: (value: unknown) => void;
  error?: string | undefined;
};

/** An input for a value of a custom field; undefined is no value. A value that is not of the type is shown as text, and stays as it is until it is changed. */
export function FieldInput({ label, type, value, onChange, error }: Props) {
  const { t } = useTranslation();
  const common = { label, error };
  switch (type) {
    case 'number':
      return (
        <NumberInput
          {...common}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => onChange(next === '' ? undefined : Number(next))}
          hideControls
        />
      );
    case 'boolean':
      return (
        <Select
          {...common}
          placeholder={t('subscribers.notSet')}
          clearable
          data={[
            { value: 'true', label: t('subscribers.yes') },
            { value: 'false', label: t('subscribers.no') },
          ]}
          value={typeof value === 'boolean' ? String(value) : null}
          onChange={(next) => onChange(next === null ? undefined : next === 'true')}
        />
      );
    case 'date':
      return (
        <TextInput
          {...common}
          type="date"
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => onChange(event.currentTarget.value || undefined)}
        />
      );
    case 'datetime':
      return (
        <TextInput
          {...common}
          type="datetime-local"
          step={1}
          value={typeof value === 'string' ? toLocal(value) : ''}
          onChange={(event) => onChange(fromLocal(event.currentTarget.value))}
        />
      );
    case 'list':
      return (
        <TagsInput
          {...common}
          description={t('subscribers.listHint')}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={(next) => onChange(next.length === 0 ? undefined : next)}
        />
      );
  }
  const text = typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
  const Input = text.includes('\n') ? Textarea : TextInput;
  return <Input {...common} value={text} onChange={(event) => onChange(event.currentTarget.value || undefined)} />;
}

/** A moment as an input for local time wants it, in the browser's zone. */
export function toLocal(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '';
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export function fromLocal(text: string): string | undefined {
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
