import { useTranslation } from 'react-i18next';

/** By which way a file came, in words; empty when it is not known. */
export function useCameBy() {
  const { t } = useTranslation();
  return (source: string) => {
    if (source === 'admin' || source === 'api') return t(`imports.cameBy.${source}`);
    return source && t('imports.by', { name: source });
  };
}
