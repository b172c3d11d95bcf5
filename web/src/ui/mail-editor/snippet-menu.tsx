import { Button, Menu, ScrollArea, Text } from '@mantine/core';
import { IconChevronDown, IconPuzzle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { MailKind } from '@/api/types';
import { templatesQuery } from '@/features/templates/queries';
import { snippetCode } from './kinds';

type Props = { kind: MailKind; onPick: (code: string) => void };

/** Snippets by name; nothing while there are none. */
export function SnippetMenu({ kind, onPick }: Props) {
  const { t } = useTranslation();
  const snippets = useQuery(templatesQuery({ role: 'snippet' }));
  const items = snippets.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Menu width={280}>
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPuzzle size={15} />}
          rightSection={<IconChevronDown size={14} />}
        >
          {t('editor.snippet')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <ScrollArea.Autosize mah={320}>
          {items.map((snippet) => (
            <Menu.Item key={snippet.id} onClick={() => onPick(snippetCode(snippet.name))}>
              <Text size="sm" fw={550}>
                {snippet.name}
              </Text>
              {snippet.kind !== kind && (
                <Text size="xs" c="dimmed">
                  {t(`editor.kinds.${snippet.kind}`)}
                </Text>
              )}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
      </Menu.Dropdown>
    </Menu>
  );
}
