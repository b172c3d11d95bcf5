import { useTranslation } from 'react-i18next';
import type { BulkAction } from '@/api/types';
import { formatAttribute } from '@/lib/format';

/** What a bulk action does, and for whom, in words. */
export function useBulkWords() {
  const { t } = useTranslation();
  return {
    what: (one: BulkAction) =>
      t(`bulk.done.${one.action}`, { list: one.list_name, field: one.field, value: formatAttribute(one.value) }),
    whom: ({ selection }: BulkAction) => {
      if (selection.selected > 0) return t('bulk.whomSelected', { count: selection.selected });
      const parts = [
        selection.q && t('bulk.whomSearch', { q: selection.q }),
        selection.segment && t('bulk.whomSegment', { segment: selection.segment }),
        (selection.list_id || selection.status) && t('bulk.whomFilter'),
      ].filter(Boolean);
      return parts.length > 0 ? parts.join(', ') : t('bulk.whomAll');
    },
  };
}
