import { Badge } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Tone } from './tone';

export function StatusBadge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <Badge
      variant="transparent"
      style={{ background: `var(--app-${tone}-soft)`, color: `var(--app-${tone})`, flexShrink: 0 }}
    >
      {children}
    </Badge>
  );
}
