import { useTranslation } from 'react-i18next';
import type { Field } from '@/api/types';
import { formatAttribute, formatDate, formatDateTime, formatList, formatNumber } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';

const ATTRIBUTE = 'attributes.';
const states = ['subscribed', 'unconfirmed', 'unsubscribed'] as const;

/** Parts and values of a person for a person to read: the label of a field, a date as a date, yes and no. */
export function useFieldWords(fields: Field[]) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const label = (name: string) => fields.find((field) => field.name === name)?.label || name;
  /** A part of a person as the API names it: "name", "list", "person", "attributes.city". */
  const part = (name: string) => {
    if (name === 'name') return t('common.name');
    if (name === 'list' || name === 'subscription' || name === 'person') return t(`imports.parts.${name}`);
    return label(name.startsWith(ATTRIBUTE) ? name.slice(ATTRIBUTE.length) : name);
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
  /** The value of a part; on the list it is how the person stands there. */
  const partValue = (name: string, given: unknown): string => {
    const state = name === 'list' ? states.find((one) => one === given) : undefined;
    return state ? t(`subscriptions.${state}`) : value(given);
  };
  return { label, part, value, partValue };
}
