import { Box, Center, Paper, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

type Props = { title: string; text: string; children: ReactNode };

/** The card in the middle of the pages before the log-in. */
export function AuthFrame({ title, text, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Postrider`;
  }, [title]);
  return (
    <Center component="main" mih="100dvh" p="md">
      <Box w="100%" maw={420}>
        <Stack gap={6} align="center" mb="lg">
          <img src="/favicon.svg" alt="Postrider" width={44} height={44} />
          <Title order={1} mt="xs" ta="center">
            {title}
          </Title>
          <Text c="dimmed" ta="center">
            {text}
          </Text>
        </Stack>
        <Paper p="lg" shadow="xs">
          {children}
        </Paper>
      </Box>
    </Center>
  );
}
