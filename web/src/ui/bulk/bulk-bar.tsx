import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BulkSelection, Subscriber } from '@/api/types';
import { LinkAnchor } from '@/ui/link';
import { BulkDialog } from './bulk-dialog';

type Props = {
  /** Those of the page that is shown. */
  shown: Subscriber[];
  selected: ReadonlySet<number>;
  onSelect: (selected: ReadonlySet<number>) => void;
  /** What finds the people that are listed, and how many these are about. */
  filter: NonNullable<BulkSelection['filter']>;
  total: number | undefined;
  approximate: boolean;
};

/** Above a list of people: how many are selected, and what can be done with them, or with everybody who is listed. */
export function BulkBar({ shown, selected, onSelect, filter, total, approximate }: Props) {
  const { t } = useTranslation();
  const [everybody, setEverybody] = useState(false);
  const [selection, setSelection] = useState<BulkSelection>();
  const some = selected.size > 0 || everybody;
  return (
    <Group px="md" pb="sm" gap="xs" justify="space-between">
      <Group gap="xs">
        {some ? (
          <>
            <Text size="sm" fw={550} role="status">
              {everybody
                ? t(approximate ? 'bulk.allAbout' : 'bulk.all', { count: total ?? 0 })
                : t('bulk.selected', { count: selected.size })}
            </Text>
            {!everybody && (total ?? 0) > selected.size && (
              <Button size="compact-sm" variant="default" onClick={() => setEverybody(true)}>
                {t('bulk.selectAll')}
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="default"
              onClick={() => {
                setEverybody(false);
                onSelect(new Set());
              }}
            >
              {t('bulk.clear')}
            </Button>
            <Button
              size="compact-sm"
              onClick={() => setSelection(everybody ? { filter } : { ids: [...selected].sort((a, b) => a - b) })}
            >
              {t('bulk.actions')}
            </Button>
          </>
        ) : (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => onSelect(new Set([...selected, ...shown.map((one) => one.id)]))}
          >
            {t('bulk.selectPage')}
          </Button>
        )}
      </Group>
      <LinkAnchor to="/bulk-actions" className="link" size="sm">
        {t('bulk.recent')}
      </LinkAnchor>
      <BulkDialog selection={selection} onClose={() => setSelection(undefined)} />
    </Group>
  );
}
