import { Group, ScrollArea, Stack, Table, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { InboxMessage } from '@/api/types';
import { MailFrame } from '@/ui/mail-frame';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { DkimBadge } from './dkim-badge';
import classes from './inbox-message.module.css';
import { inboxMessageQuery } from './queries';

export function InboxMessageView({ id }: { id: number }) {
  const query = useQuery(inboxMessageQuery(id));
  return <QueryView query={query}>{(message) => <Message message={message} />}</QueryView>;
}

function Message({ message }: { message: InboxMessage }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm">
      <Text fz="lg" fw={600} style={{ overflowWrap: 'anywhere' }}>
        {message.subject || t('editor.noSubject')}
      </Text>
      <Group gap="xs">
        <DkimBadge dkim={message.dkim} />
        {message.dkim_detail && (
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {message.dkim_detail}
          </Text>
        )}
      </Group>
      <Text size="sm">
        {t('inbox.fromTo', { from: message.from, to: message.to })} · <DateTime at={message.received_at} />
      </Text>
      <Tabs defaultValue={message.html ? 'html' : 'text'}>
        <Tabs.List>
          <Tabs.Tab value="html">{t('editor.html')}</Tabs.Tab>
          <Tabs.Tab value="text">{t('editor.text')}</Tabs.Tab>
          <Tabs.Tab value="headers">{t('inbox.headers')}</Tabs.Tab>
          <Tabs.Tab value="raw">{t('inbox.raw')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="html" pt="sm">
          {message.html ? (
            <div className={classes.frame}>
              <MailFrame title={t('inbox.frame')} html={message.html} height="calc(100dvh - 290px)" />
            </div>
          ) : (
            <Text c="dimmed">{t('inbox.noHtml')}</Text>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="text" pt="sm">
          <Source text={message.text} label={t('editor.text')} />
        </Tabs.Panel>
        <Tabs.Panel value="headers" pt="sm">
          <Headers message={message} />
        </Tabs.Panel>
        <Tabs.Panel value="raw" pt="sm">
          <Source text={message.raw} label={t('inbox.raw')} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Headers({ message }: { message: InboxMessage }) {
  const { t } = useTranslation();
  return (
    <ScrollArea>
      <Table aria-label={t('inbox.headers')} verticalSpacing={6}>
        <Table.Tbody>
          {message.headers.map((header, index) => (
            <Table.Tr key={index}>
              <Table.Th scope="row" style={{ verticalAlign: 'top', whiteSpace: 'nowrap' }}>
                {header.name}
              </Table.Th>
              <Table.Td className="mono" style={{ overflowWrap: 'anywhere' }}>
                {header.value}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </ScrollArea>
  );
}

function Source({ text, label }: { text: string; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: text that scrolls must be reachable by keyboard
    <section className={classes.source} tabIndex={0} aria-label={label}>
      <pre>{text}</pre>
    </section>
  );
}
