import { Button, Group, Paper, Select, Text } from '@mantine/core';
import { IconMailCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useCursor } from '@/lib/use-cursor';
import { EmptyState } from '@/ui/empty-state';
import { PageHeader } from '@/ui/page-header';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { reportActions, reportKinds } from '@/ui/reports/kinds';
import { ReportDrawer } from '@/ui/reports/report-drawer';
import { ReportTable } from '@/ui/reports/report-table';
import { SearchInput } from '@/ui/search-input';
import { reportsQuery } from './queries';

const route = getRouteApi('/shell/bounces');

/** What came back: bounces, complaints and all other reports, among them those that nobody could be found for. */
export function ReportsPage() {
  const { t } = useTranslation();
  const { report, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const filter = {
    // Anything may stand in the address bar.
    kind: reportKinds.find((one) => one === search.kind),
    action: reportActions.find((one) => one === search.action),
    campaign_id: search.campaign,
    address: search.q,
  };
  const cursor = useCursor(JSON.stringify(filter));
  const query = useQuery(reportsQuery(filter, cursor.current));
  const filtered = Object.values(filter).some((one) => one !== undefined);
  const change = (name: 'kind' | 'action' | 'q' | 'campaign', value: string | null) =>
    void navigate({
      search: ({ [name]: _, report: __, ...rest }) => (value ? { ...rest, [name]: value } : rest),
      replace: true,
    });
  const open = (id: number | undefined) =>
    void navigate({ search: ({ report: _, ...rest }) => (id ? { ...rest, report: id } : rest), replace: true });
  return (
    <>
      <PageHeader title={t('nav.bounces')} description={t('reports.text')} />
      <Paper style={{ overflow: 'hidden' }}>
        <Group p="md" gap="sm">
          <SearchInput label={t('reports.search')} value={search.q ?? ''} onChange={(q) => change('q', q)} />
          <Select
            aria-label={t('reports.kindFilter')}
            placeholder={t('reports.anyKind')}
            clearable
            w={190}
            value={filter.kind ?? null}
            onChange={(kind) => change('kind', kind)}
            data={reportKinds.map((value) => ({ value, label: t(`reports.kind.${value}`) }))}
          />
          <Select
            aria-label={t('reports.actionFilter')}
            placeholder={t('reports.anyAction')}
            clearable
            w={260}
            value={filter.action ?? null}
            onChange={(action) => change('action', action)}
            data={reportActions.map((value) => ({ value, label: t(`reports.action.${value}`) }))}
          />
          {search.campaign && (
            <Group gap="xs">
              <Text size="sm">{t('reports.ofCampaign', { id: search.campaign })}</Text>
              <Button size="compact-sm" variant="default" onClick={() => change('campaign', null)}>
                {t('reports.allCampaigns')}
              </Button>
            </Group>
          )}
        </Group>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconMailCheck}
                title={t(filtered ? 'reports.noMatch' : 'reports.empty')}
                text={t(filtered ? 'reports.noMatchText' : 'reports.emptyText')}
              />
            ) : (
              <>
                <ReportTable reports={page.items} onOpen={(row) => open(row.id)} />
                <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
              </>
            )
          }
        </QueryView>
      </Paper>
      <ReportDrawer id={report} onClose={() => open(undefined)} />
    </>
  );
}
