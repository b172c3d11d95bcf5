import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { OutcomeCounts, Outcomes } from '@/api/types';
import { formatNumber, formatPercent } from '@/lib/format';
import { useWords } from '@/lib/words';
import { BarList } from '@/ui/bar-list';
import { CsvLink } from '@/ui/csv-link';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor } from '@/ui/link';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { StackedBar } from '@/ui/stacked-bar';
import { StatGrid } from '@/ui/stat-tile';
import { bouncedOf, byReason, partsOf } from './outcomes';
import { outcomesQuery } from './queries';

const REFRESH_MS = 15_000;
const AFTER_MS = 60_000;

/** What became of the mail, in four figures. */
export function OutcomeTotals({ id, live }: { id: number; live: boolean }) {
  const query = useQuery({ ...outcomesQuery(id), refetchInterval: live ? REFRESH_MS : AFTER_MS });
  return <QueryView query={query}>{(outcomes) => <Totals total={outcomes.total} />}</QueryView>;
}

/** Why mail did not arrive, and what became of it by recipient provider and by relay; each adds up to the ledger. */
export function OutcomesCards({ id, live }: { id: number; live: boolean }) {
  const query = useQuery({ ...outcomesQuery(id), refetchInterval: live ? REFRESH_MS : AFTER_MS });
  return (
    <QueryView query={query}>
      {(outcomes) => (
        <>
          <ReasonsCard id={id} outcomes={outcomes} />
          <ProvidersCard id={id} outcomes={outcomes} />
          <RelaysCard id={id} outcomes={outcomes} />
        </>
      )}
    </QueryView>
  );
}

function Totals({ total }: { total: OutcomeCounts }) {
  const { t } = useTranslation();
  const bounced = bouncedOf(total);
  return (
    <StatGrid
      stats={[
        {
          label: t('outcomes.delivered'),
          value: formatNumber(total.delivered),
          hint: t('outcomes.ofRecipients', { percent: formatPercent(total.delivered, total.recipients) }),
        },
        {
          label: t('outcomes.bounced'),
          value: formatNumber(bounced),
          hint: t('outcomes.ofRecipients', { percent: formatPercent(bounced, total.recipients) }),
        },
        {
          label: t('outcomes.complaints'),
          value: formatNumber(total.complaints),
          hint: t('outcomes.ofSent', { percent: formatPercent(total.complaints, total.accepted) }),
        },
        {
          label: t('outcomes.unsubscribes'),
          value: formatNumber(total.unsubscribes),
          hint: t('outcomes.leftHint', { percent: formatPercent(total.unsubscribes, total.delivered) }),
        },
      ]}
    />
  );
}

type CardProps = { id: number; outcomes: Outcomes };

const csvPath = (id: number) => `/campaigns/${id}/stats.csv`;

function ReasonsCard({ id, outcomes }: CardProps) {
  const { t } = useTranslation();
  const words = useWords();
  const { refused, came_back, failed } = outcomes.total;
  const shares = ['refused', 'came_back', 'failed'] as const;
  return (
    <Section
      title={t('outcomes.reasonsTitle')}
      description={t('outcomes.reasonsText', { bounced: refused + came_back, refused, cameBack: came_back, failed })}
      actions={<CsvLink path={csvPath(id)} query={{ table: 'reasons' }} what={t('outcomes.reasonsTitle')} />}
    >
      {outcomes.reasons.length === 0 ? (
        <Text c="dimmed">{t('outcomes.noReasons')}</Text>
      ) : (
        <BarList
          label={t('outcomes.reasonsTitle')}
          items={byReason(outcomes.reasons).map((one) => ({
            key: one.reason,
            label: words.reason(one.reason),
            value: one.total,
            text: shares
              .filter((outcome) => one[outcome] > 0)
              .map((outcome) => `${formatNumber(one[outcome])} ${t(`outcomes.${outcome}`)}`)
              .join(', '),
          }))}
        />
      )}
    </Section>
  );
}

function useCountColumns<T extends OutcomeCounts>(nameOf: (row: T) => string): Column<T>[] {
  const { t } = useTranslation();
  const number = (value: number) => <span className="tabular">{formatNumber(value)}</span>;
  return [
    { key: 'recipients', header: t('outcomes.recipients'), align: 'end', render: (row) => number(row.recipients) },
    {
      key: 'delivered',
      header: t('outcomes.delivered'),
      width: '24%',
      render: (row) => (
        <div style={{ minWidth: 110 }}>
          <Text size="sm" className="tabular">
            {formatNumber(row.delivered)} · {formatPercent(row.delivered, row.recipients)}
          </Text>
          <StackedBar
            label={t('outcomes.deliveredOf', { name: nameOf(row) })}
            parts={partsOf(row, (key) => t(key === 'failed' ? 'outcomes.failedColumn' : `outcomes.${key}`))}
            total={row.recipients}
            done={row.delivered}
            thin
          />
        </div>
      ),
    },
    { key: 'bounced', header: t('outcomes.bounced'), align: 'end', render: (row) => number(bouncedOf(row)) },
    { key: 'failed', header: t('outcomes.failedColumn'), align: 'end', render: (row) => number(row.failed) },
    { key: 'opened', header: t('campaigns.stats.opens'), align: 'end', render: (row) => number(row.opened) },
    { key: 'clicked', header: t('campaigns.stats.clicks'), align: 'end', render: (row) => number(row.clicked) },
    { key: 'complaints', header: t('outcomes.complaints'), align: 'end', render: (row) => number(row.complaints) },
    {
      key: 'unsubscribes',
      header: t('outcomes.unsubscribes'),
      align: 'end',
      render: (row) => number(row.unsubscribes),
    },
  ];
}

function ProvidersCard({ id, outcomes }: CardProps) {
  const { t } = useTranslation();
  type Row = Outcomes['providers'][number];
  const nameOf = (row: Row) => row.name || t('outcomes.rest', { count: row.domains });
  const columns: Column<Row>[] = [
    {
      key: 'name',
      header: t('outcomes.provider'),
      width: '26%',
      render: (row) => (
        <div style={{ minWidth: 0 }}>
          <Text fw={row.name ? 550 : undefined} style={{ overflowWrap: 'anywhere' }}>
            {nameOf(row)}
          </Text>
          {row.name && row.domains > 1 && (
            <Text size="sm" c="dimmed">
              {t('outcomes.domains', { count: row.domains })}
            </Text>
          )}
        </div>
      ),
    },
    ...useCountColumns(nameOf),
  ];
  return (
    <Section
      title={t('outcomes.providersTitle')}
      description={t('outcomes.providersText')}
      actions={<CsvLink path={csvPath(id)} query={{ table: 'providers' }} what={t('outcomes.providersTitle')} />}
      flush
    >
      <Rows label={t('outcomes.providersTitle')} columns={columns} rows={outcomes.providers} rowKey={(row) => row.id} />
    </Section>
  );
}

function RelaysCard({ id, outcomes }: CardProps) {
  const { t } = useTranslation();
  type Row = Outcomes['relays'][number];
  const nameOf = (row: Row) =>
    row.id === null ? t('outcomes.noRelay') : row.name || t('outcomes.goneRelay', { id: row.id });
  const columns: Column<Row>[] = [
    {
      key: 'name',
      header: t('outcomes.relay'),
      width: '26%',
      render: (row) =>
        row.id !== null && row.name ? (
          <LinkAnchor to="/relays/$id" params={{ id: String(row.id) }} className="link-strong">
            {row.name}
          </LinkAnchor>
        ) : (
          nameOf(row)
        ),
    },
    ...useCountColumns(nameOf),
  ];
  return (
    <Section
      title={t('outcomes.relaysTitle')}
      description={t('outcomes.relaysText')}
      actions={<CsvLink path={csvPath(id)} query={{ table: 'relays' }} what={t('outcomes.relaysTitle')} />}
      flush
    >
      <Rows label={t('outcomes.relaysTitle')} columns={columns} rows={outcomes.relays} rowKey={(row) => row.id ?? 0} />
    </Section>
  );
}

type RowsProps<T> = { label: string; columns: Column<T>[]; rows: T[]; rowKey: (row: T) => string | number };

function Rows<T>(props: RowsProps<T>) {
  const { t } = useTranslation();
  if (props.rows.length === 0) {
    return (
      <Text c="dimmed" p="md">
        {t('outcomes.none')}
      </Text>
    );
  }
  return <DataTable {...props} />;
}
