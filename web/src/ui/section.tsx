import { Group, Paper, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

type Props = { title?: string; description?: ReactNode; actions?: ReactNode; flush?: boolean; children: ReactNode };

/** A titled card of a page. flush lets a table reach the card's edges. */
export function Section({ title, description, actions, flush = false, children }: Props) {
  return (
    <Paper component="section" aria-label={title} style={{ overflow: 'hidden' }}>
      {(title || actions) && (
        <Group justify="space-between" px="md" pt="md" pb={flush ? 'sm' : 0} align="flex-start">
          <div>
            {title && <Title order={2}>{title}</Title>}
            {description && (
              <Text size="sm" c="dimmed" component="div">
                {description}
              </Text>
            )}
          </div>
          {actions}
        </Group>
      )}
      {flush ? children : <div style={{ padding: 'var(--mantine-spacing-md)' }}>{children}</div>}
    </Paper>
  );
}
