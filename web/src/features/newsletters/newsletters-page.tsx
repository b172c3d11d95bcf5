import { Group, Paper, Text } from '@mantine/core';
import { IconAlertTriangle, IconNews, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Newsletter } from '@/api/types';
import { capitalized, NONE } from '@/lib/format';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor, LinkButton } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { NewsletterBadge } from './badges';
import { newslettersQuery } from './queries';
import { BothTimes } from './times';

const POLL_MS = 10_000;

export function NewslettersPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const cursor = useCursor('');
  const query = useQuery({ ...newslettersQuery(cursor.current), refetchInterval: POLL_MS });
  const columns = useColumns();
  const add = (
    <LinkButton to="/newsletters/new" leftSection={<IconPlus size={16} />}>
      {t('newsletters.new')}
    </LinkButton>
  );
  return (
    <>
      <PageHeader title={t('nav.newsletters')} description={t('newsletters.text')} actions={add} />
      <Paper style={{ overflow: 'hidden' }}>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconNews}
                title={t('newsletters.empty')}
                text={t('newsletters.emptyText')}
                action={<LinkButton to="/newsletters/new">{t('newsletters.new')}</LinkButton>}
              />
            ) : (
              <>
                <DataTable
                  label={t('nav.newsletters')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.id}
                  onRowClick={(row) => void navigate({ to: '/newsletters/$id', params: { id: String(row.id) } })}
                />
                <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} />
              </>
            )
          }
        </QueryView>
      </Paper>
    </>
  );
}

function useColumns(): Column<Newsletter>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'name',
      header: t('newsletters.newsletter'),
      width: '38%',
      render: (row) => (
        <div>
          <LinkAnchor to="/newsletters/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
          <Text size="sm" c="dimmed">
            {capitalized(row.schedule_description.english)}
          </Text>
        </div>
      ),
    },
    { key: 'status', header: t('common.status'), render: (row) => <NewsletterBadge status={row.status} /> },
    {
      key: 'next',
      header: t('newsletters.nextRun'),
      render: (row) =>
        row.status === 'active' && row.next_issue_at ? (
          <BothTimes at={row.next_issue_at} zone={row.schedule.zone} />
        ) : (
          NONE
        ),
    },
    { key: 'source', header: t('newsletters.madeOf'), render: (row) => <SourceCell newsletter={row} /> },
  ];
}

function SourceCell({ newsletter }: { newsletter: Newsletter }) {
  const { t } = useTranslation();
  return (
    <div>
      <Text size="sm">{t(`newsletters.source.${newsletter.source.kind}`)}</Text>
      {newsletter.source_error && (
        <Group gap={4} wrap="nowrap" c="var(--app-bad)" title={newsletter.source_error}>
          <IconAlertTriangle size={15} aria-hidden />
          <Text size="sm">{t('newsletters.sourceTrouble')}</Text>
        </Group>
      )}
    </div>
  );
}
