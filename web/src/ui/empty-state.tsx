import { Center, Stack, Text, ThemeIcon } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';

type Props = { icon: Icon; title: string; text?: ReactNode; action?: ReactNode };

export function EmptyState({ icon: IconOf, title, text, action }: Props) {
  return (
    <Center py={56} px="md">
      <Stack align="center" gap="xs" maw={440}>
        <ThemeIcon size={48} radius="xl" variant="light" aria-hidden>
          <IconOf size={24} stroke={1.6} />
        </ThemeIcon>
        <Text fw={600} size="lg" ta="center" mt={4}>
          {title}
        </Text>
        {text && (
          <Text c="dimmed" ta="center" component="div">
            {text}
          </Text>
        )}
        {action && <div style={{ marginTop: 8 }}>{action}</div>}
      </Stack>
    </Center>
  );
}
