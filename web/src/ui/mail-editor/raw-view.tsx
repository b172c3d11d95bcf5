import { Button, Group, Skeleton, Table, Text, Title } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { saveText } from '@/lib/save-text';
import { CopyButton } from '../copy-field';
import { QueryView } from '../query-view';
import classes from './mail-editor.module.css';
import type { RawQuery } from './queries';

/** The whole message as it would leave, with its headers; its links belong to no delivery. */
export function RawView({ query: asked }: { query: RawQuery }) {
  const { t } = useTranslation();
  const query = useQuery(asked);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={classes.raw} aria-label={t('editor.raw')} tabIndex={0}>
      <QueryView query={query} skeleton={<Skeleton height={240} />}>
        {({ headers, raw }) => (
          <>
            <Group justify="space-between" wrap="nowrap" align="flex-start">
              <Text size="sm" c="dimmed">
                {t('editor.rawHint')}
              </Text>
              <Group gap={4} wrap="nowrap">
                <CopyButton value={raw} label={t('editor.rawMessage')} />
                <Button
                  size="compact-sm"
                  variant="default"
                  leftSection={<IconDownload size={15} />}
                  onClick={() => saveText('message.eml', 'message/rfc822', raw)}
                >
                  {t('editor.rawDownload')}
                </Button>
              </Group>
            </Group>
            <Table className={classes.headers} aria-label={t('editor.rawHeaders')}>
              <Table.Tbody>
                {(headers ?? []).map((header, index) => (
                  <Table.Tr key={index}>
                    <Table.Th scope="row">{header.name}</Table.Th>
                    <Table.Td className="mono">{header.value}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
            <Title order={3} fz="sm" mt="md" mb={4}>
              {t('editor.rawSource')}
            </Title>
            <pre className="mono">{raw}</pre>
          </>
        )}
      </QueryView>
    </section>
  );
}
