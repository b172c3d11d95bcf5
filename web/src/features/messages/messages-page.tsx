import { Badge, Button, Group, Paper, Select, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconApi, IconMailFast } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Message } from '@/api/types';
import { templatesQuery } from '@/features/templates/queries';
import { deliveryStates } from '@/lib/states';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { Reply } from '@/ui/reply';
import { SearchInput } from '@/ui/search-input';
import { ApiPanel } from './api-panel';
import { MessageBadge } from './message-badge';
import { messagesQuery } from './queries';

const route = getRouteApi('/shell/messages');

/** Mails to single people, the newest first, with how a program sends them. */
export function MessagesPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const search = route.useSearch();
  const { status, email, template, tag } = search;
  const filter = { status, email, template_id: template, tag };
  const cursor = useCursor(JSON.stringify(filter));
  const query = useQuery(messagesQuery(filter, cursor.current));
  const templates = useQuery(templatesQuery({ role: 'content' }));
  const [how, toggle] = useDisclosure();
  const columns = useColumns();
  const filtered = Object.keys(search).length > 0;
  const unused = query.data?.items.length === 0 && !filtered && cursor.page === 1;
  const change = (next: Partial<Record<'status' | 'email' | 'tag', string | null>> & { template?: number | null }) => {
    const merged = Object.entries({ ...search, ...next }).filter(([, value]) => value);
    void navigate({ search: Object.fromEntries(merged), replace: true });
  };
  return (
    <>
      <PageHeader
        title={t('nav.messages')}
        description={t('messages.text')}
        actions={
          !unused && (
            <Button variant="default" leftSection={<IconApi size={16} />} aria-expanded={how} onClick={toggle.toggle}>
              {t('messages.how')}
            </Button>
          )
        }
      />
      <Stack>
        {how && !unused && <ApiPanel />}
        <Paper style={{ overflow: 'hidden' }}>
          {!unused && (
            <Group p="md" gap="sm">
              <SearchInput
                label={t('messages.address')}
                value={email ?? ''}
                rest={500}
                onChange={(value) => change({ email: value })}
              />
              <Select
                aria-label={t('deliveries.filter')}
                placeholder={t('deliveries.anyState')}
                clearable
                w={{ base: '100%', xs: 170 }}
                value={status ?? null}
                onChange={(value) => change({ status: value })}
                data={deliveryStates.map((state) => ({ value: state, label: t(`deliveries.state.${state}`) }))}
              />
              <Select
                aria-label={t('messages.filterTemplate')}
                placeholder={t('messages.anyTemplate')}
                clearable
                searchable
                w={{ base: '100%', xs: 200 }}
                value={template ? String(template) : null}
                onChange={(value) => change({ template: value ? Number(value) : null })}
                data={(templates.data?.items ?? []).map((one) => ({ value: String(one.id), label: one.name }))}
              />
              <SearchInput
                label={t('messages.tag')}
                value={tag ?? ''}
                width={150}
                rest={500}
                onChange={(value) => change({ tag: value })}
              />
            </Group>
          )}
          <QueryView query={query}>
            {(page) =>
              page.items.length === 0 ? (
                <EmptyState
                  icon={IconMailFast}
                  title={t(unused ? 'messages.empty' : 'messages.emptyFiltered')}
                  text={t(unused ? 'messages.emptyText' : 'messages.emptyFilteredText')}
                />
              ) : (
                <>
                  <DataTable
                    label={t('nav.messages')}
                    columns={columns}
                    rows={page.items}
                    rowKey={(row) => row.id}
                    onRowClick={(row) => void navigate({ to: '/messages/$id', params: { id: String(row.id) } })}
                  />
                  <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
                </>
              )
            }
          </QueryView>
        </Paper>
        {unused && <ApiPanel />}
      </Stack>
    </>
  );
}

function useColumns(): Column<Message>[] {
  const { t } = useTranslation();
  const templates = useQuery(templatesQuery({ role: 'content' }));
  const nameOf = (id: number | null) =>
    id === null
      ? t('messages.gone')
      : (templates.data?.items.find((one) => one.id === id)?.name ?? t('messages.noTemplate', { id }));
  return [
    {
      key: 'to',
      header: t('messages.to'),
      render: (row) => (
        <div style={{ overflowWrap: 'anywhere' }}>
          <LinkAnchor to="/messages/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.delivery.email}
          </LinkAnchor>
          {row.to_name && (
            <Text size="sm" c="dimmed">
              {row.to_name}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'template',
      header: t('messages.template'),
      render: (row) => (
        <div>
          {nameOf(row.template_id)}
          {row.tags.length > 0 && (
            <Group gap={4} mt={2}>
              {row.tags.map((tag) => (
                <Badge key={tag} variant="default" size="sm">
                  {tag}
                </Badge>
              ))}
            </Group>
          )}
        </div>
      ),
    },
    { key: 'status', header: t('common.status'), render: (row) => <MessageBadge message={row} /> },
    {
      key: 'reply',
      header: t('deliveries.reply'),
      width: '28%',
      render: ({ delivery }) =>
        delivery.skip_reason || (
          <Reply code={delivery.reply_code} status={delivery.reply_status} text={delivery.reply_text} />
        ),
    },
    {
      key: 'created',
      header: t('messages.when'),
      nowrap: true,
      render: (row) => <RelativeTime at={row.created_at} />,
    },
  ];
}
