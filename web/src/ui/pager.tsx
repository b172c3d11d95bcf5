import { Button, Group, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Cursor } from '@/lib/use-cursor';

type Props = { cursor: Cursor; next: string | null; shown: number; total?: number | undefined; approximate?: boolean };

/** Previous and next of a cursor-paged list; nothing when everything is on one page. */
export function Pager({ cursor, next, shown, total, approximate = false }: Props) {
  const { t } = useTranslation();
  if (cursor.page === 1 && !next) return null;
  return (
    <Group justify="space-between" px="md" py="sm" style={{ borderTop: '1px solid var(--app-border)' }}>
      <Text size="sm" c="dimmed" className="tabular">
        {total === undefined
          ? t('pager.page', { page: cursor.page, shown })
          : t(approximate ? 'pager.ofAbout' : 'pager.of', { page: cursor.page, shown, total })}
      </Text>
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChevronLeft size={14} />}
          disabled={cursor.page === 1}
          onClick={cursor.previous}
        >
          {t('pager.previous')}
        </Button>
        <Button
          size="xs"
          variant="default"
          rightSection={<IconChevronRight size={14} />}
          disabled={!next}
          onClick={() => next && cursor.next(next)}
        >
          {t('pager.next')}
        </Button>
      </Group>
    </Group>
  );
}
