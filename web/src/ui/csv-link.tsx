import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { apiUrl, type Query } from '@/api/client';

/** Downloads a table of the API as a file. what names it for screen readers. */
export function CsvLink({ path, query, what }: { path: string; query?: Query; what: string }) {
  const { t } = useTranslation();
  return (
    <Button
      component="a"
      href={apiUrl(path, query)}
      download
      size="compact-sm"
      variant="default"
      leftSection={<IconDownload size={14} />}
      aria-label={t('common.csvOf', { what })}
    >
      {t('common.csv')}
    </Button>
  );
}
