import { Group, Text } from '@mantine/core';

export function Logo() {
  return (
    <Group gap={10} wrap="nowrap">
      <img src="/favicon.svg" alt="" width={28} height={28} />
      <Text fw={680} fz={17} lts="-0.01em">
        Postrider
      </Text>
    </Group>
  );
}
