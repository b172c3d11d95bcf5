import { Button, Group, Paper, Select, Stack } from '@mantine/core';
import { IconHelpCircle, IconSearchOff, IconUserCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Exclusion } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { CsvLink } from '@/ui/csv-link';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { SearchInput } from '@/ui/search-input';
import { exclusionsQuery } from './queries';
import { SelectionCard } from './selection-card';
import { WhyDialog } from './why-dialog';

const reasons = [
  'suppressed',
  'unsubscribed',
  'unconfirmed',
  'excluded_list',
  'not_in_segment',
  'excluded_segment',
  'paused',
  'frequency',
  'frequency_cap',
] as const;

type Asked = { who?: string | undefined };

/** Who was on the lists and was not mailed, and why. */
export function ExclusionsTab({ campaignId, excluded }: { campaignId: number; excluded: number }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState<string | null>(null);
  const [q, setQ] = useState('');
  const [asked, setAsked] = useState<Asked | null>(null);
  const cursor = useCursor(`${reason ?? ''} ${q}`);
  const options = exclusionsQuery(campaignId, { reason: reason ?? undefined, q: q || undefined }, cursor.current);
  // It grows while the audience is being written: each number of people is a question of its own.
  const query = useQuery({ ...options, queryKey: [...options.queryKey, excluded] });
  const filtered = reason !== null || q !== '';
  const columns: Column<Exclusion>[] = [
    {
      key: 'email',
      header: t('common.email'),
      render: (row) => (
        <LinkAnchor to="/subscribers/$id" params={{ id: String(row.subscriber_id) }} className="link-strong">
          {row.email}
        </LinkAnchor>
      ),
    },
    { key: 'reason', header: t('common.reason'), render: (row) => t(`campaigns.audience.${row.reason}`) },
    {
      key: 'why',
      header: '',
      align: 'end',
      render: (row) => (
        <Button
          size="compact-sm"
          variant="subtle"
          aria-label={t('campaigns.why.openFor', { email: row.email })}
          onClick={() => setAsked({ who: String(row.subscriber_id) })}
        >
          {t('campaigns.why.open')}
        </Button>
      ),
    },
  ];
  return (
    <Stack>
      <SelectionCard campaignId={campaignId} excluded={excluded} />
      <Paper style={{ overflow: 'hidden' }}>
        <Group p="md" justify="space-between">
          <Group>
            <SearchInput value={q} onChange={setQ} label={t('campaigns.why.find')} />
            <Select
              aria-label={t('campaigns.live.reasonFilter')}
              placeholder={t('campaigns.live.anyReason')}
              clearable
              value={reason}
              onChange={setReason}
              data={reasons.map((value) => ({ value, label: t(`campaigns.audience.${value}`) }))}
            />
          </Group>
          <Group gap="xs">
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconHelpCircle size={14} />}
              onClick={() => setAsked({})}
            >
              {t('campaigns.why.title')}
            </Button>
            <CsvLink path={`/campaigns/${campaignId}/audience.csv`} what={t('campaigns.selection.all')} />
          </Group>
        </Group>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={filtered ? IconSearchOff : IconUserCheck}
                title={t(filtered ? 'campaigns.live.noExclusionsFound' : 'campaigns.live.noExclusions')}
              />
            ) : (
              <>
                <DataTable
                  label={t('campaigns.live.exclusionsTable')}
                  columns={columns}
                  rows={page.items}
                  rowKey={(row) => row.subscriber_id}
                />
                <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
              </>
            )
          }
        </QueryView>
      </Paper>
      <WhyDialog campaignId={campaignId} who={asked?.who} opened={asked !== null} onClose={() => setAsked(null)} />
    </Stack>
  );
}
