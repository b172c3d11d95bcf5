import { Button, Menu, ScrollArea, Text } from '@mantine/core';
import { IconBraces, IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { MergeTag } from '@/api/types';

type Props = { tags: MergeTag[]; onPick: (text: string) => void; label: string };

export function MergeTagMenu({ tags, onPick, label }: Props) {
  const { t } = useTranslation();
  return (
    <Menu width={320}>
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          aria-label={label}
          leftSection={<IconBraces size={15} />}
          rightSection={<IconChevronDown size={14} />}
        >
          {t('editor.mergeTag')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <ScrollArea.Autosize mah={320}>
          {tags.map((tag) => (
            <Menu.Item key={tag.tag} onClick={() => onPick(`{{ ${tag.tag} }}`)}>
              <Text size="sm" fw={550}>
                {tag.label}
              </Text>
              <Text size="xs" c="dimmed" className="mono">
                {tag.tag}
                {tag.example && ` · ${tag.example}`}
              </Text>
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
      </Menu.Dropdown>
    </Menu>
  );
}
