import { useTranslation } from 'react-i18next';
import type { Field } from '@/api/types';
import { formatAttribute, formatDate, formatDateTime, formatList, formatNumber } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';

/** Names and values of fields for a person to read: the label of a field, a date as a date, yes and no. */
export function useFieldWords(fields: Field[]) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const label = (name: string) => {
    if (name === 'name') return t('common.name');
    if (name === 'list') return t('imports.list');
    return fields.find((field) => field.name === name)?.label || name;
  };
  const value = (given: unknown): string => {
    if (typeof given === 'boolean') return t(given ? 'common.yes' : 'common.no');
    if (typeof given === 'number') return formatNumber(given);
    if (Array.isArray(given)) return formatList(given.map(String));
    if (typeof given !== 'string') return formatAttribute(given);
    if (/^\d{4}-\d{2}-\d{2}$/.test(given)) return formatDate(given, 'UTC');
    if (/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(given)) return formatDateTime(given, timeZone);
    return given;
  };
  return { label, value };
}
