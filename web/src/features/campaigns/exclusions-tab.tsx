import { Group, Paper, Select } from '@mantine/core';
import { IconUserCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Exclusion } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { exclusionsQuery } from './queries';

const reasons = ['suppressed', 'unsubscribed', 'unconfirmed', 'paused', 'frequency'] as const;

/** Who was on the lists and was not mailed, and why. */
export function ExclusionsTab({ campaignId }: { campaignId: number }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState<string | null>(null);
  const cursor = useCursor(reason ?? '');
  const query = useQuery(exclusionsQuery(campaignId, reason ?? undefined, cursor.current));
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
  ];
  return (
    <Paper style={{ overflow: 'hidden' }}>
      <Group p="md">
        <Select
          aria-label={t('campaigns.live.reasonFilter')}
          placeholder={t('campaigns.live.anyReason')}
          clearable
          value={reason}
          onChange={setReason}
          data={reasons.map((value) => ({ value, label: t(`campaigns.audience.${value}`) }))}
        />
      </Group>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState icon={IconUserCheck} title={t('campaigns.live.noExclusions')} />
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
  );
}
