import { Paper, SimpleGrid, Text } from '@mantine/core';
import type { ReactNode } from 'react';

type Stat = { label: string; value: ReactNode; hint?: ReactNode };

export function StatTile({ label, value, hint }: Stat) {
  return (
    <Paper p="md">
      <Text size="sm" c="dimmed" fw={550}>
        {label}
      </Text>
      <Text fz={24} fw={650} lh={1.3} mt={2} className="tabular" component="div">
        {value}
      </Text>
      <Text size="sm" c="dimmed" mih={20} className="tabular" component="div">
        {hint}
      </Text>
    </Paper>
  );
}

export function StatGrid({ stats }: { stats: Stat[] }) {
  return (
    <SimpleGrid cols={{ base: 2, lg: Math.min(stats.length, 4) }} spacing={{ base: 'xs', sm: 'md' }}>
      {stats.map((stat) => (
        <StatTile key={stat.label} {...stat} />
      ))}
    </SimpleGrid>
  );
}
