import { ActionIcon, Button, Group, Text } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconChevronsLeft, IconChevronsRight } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Page } from '@/api/types';
import type { Position } from '@/lib/use-position';

/** First, previous, next and last of a list that goes both ways; nothing when everything is on one page. */
export function BothWaysPager({ position, page }: { position: Position; page: Page<unknown> }) {
  const { t } = useTranslation();
  const previous = page.prev_cursor;
  const next = page.next_cursor;
  if (!previous && !next) return null;
  return (
    <Group justify="space-between" px="md" py="sm" gap="xs" style={{ borderTop: '1px solid var(--app-border)' }}>
      <Text size="sm" c="dimmed" className="tabular">
        <Where position={position} page={page} />
      </Text>
      <Group gap="xs" wrap="nowrap">
        <ActionIcon
          size={30}
          variant="default"
          aria-label={t('pager.first')}
          title={t('pager.first')}
          disabled={!previous}
          onClick={position.first}
        >
          <IconChevronsLeft size={15} />
        </ActionIcon>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconChevronLeft size={14} />}
          disabled={!previous}
          onClick={() => previous && position.previous(previous)}
        >
          {t('pager.previous')}
        </Button>
        <Button
          size="xs"
          variant="default"
          rightSection={<IconChevronRight size={14} />}
          disabled={!next}
          onClick={() => next && position.next(next)}
        >
          {t('pager.next')}
        </Button>
        <ActionIcon
          size={30}
          variant="default"
          aria-label={t('pager.last')}
          title={t('pager.last')}
          disabled={!next}
          onClick={position.last}
        >
          <IconChevronsRight size={15} />
        </ActionIcon>
      </Group>
    </Group>
  );
}

function Where({ position, page }: { position: Position; page: Page<unknown> }) {
  const { t } = useTranslation();
  const shown = page.items.length;
  const total = page.total;
  const place =
    position.at.last || !page.next_cursor
      ? t('pager.lastPage')
      : position.page !== undefined
        ? t('pager.pageNumber', { page: position.page })
        : '';
  const count =
    total === undefined
      ? t('pager.shown', { shown })
      : t(page.total_exact === false ? 'pager.shownOfAbout' : 'pager.shownOf', { shown, total });
  return [place, count].filter(Boolean).join(', ');
}
