import { Group, Stack, Text, Title } from '@mantine/core';
import { IconChevronLeft } from '@tabler/icons-react';
import { type ReactNode, useEffect } from 'react';

type Props = { title: string; badge?: ReactNode; description?: ReactNode; back?: ReactNode; actions?: ReactNode };

/** The top of every page; it also names the browser's tab. */
export function PageHeader({ title, badge, description, back, actions }: Props) {
  useEffect(() => {
    document.title = `${title} · Postrider`;
  }, [title]);
  return (
    <Group justify="space-between" align="flex-end" gap="sm" mb="lg">
      <Stack gap={2} style={{ minWidth: 0, maxWidth: '100%' }}>
        {back && (
          <Group gap={2} c="dimmed" fz="sm">
            <IconChevronLeft size={14} aria-hidden />
            {back}
          </Group>
        )}
        <Group gap="sm" wrap="nowrap">
          <Title order={1} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Title>
          {badge}
        </Group>
        {description && (
          <Text c="dimmed" component="div">
            {description}
          </Text>
        )}
      </Stack>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  );
}
