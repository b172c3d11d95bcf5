import { Button, Text, VisuallyHidden } from '@mantine/core';
import { IconMailShare } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { RelaySite } from '@/api/types';
import { siteLimitsQuery } from '@/features/site-limits/queries';
import { formatNumber } from '@/lib/format';
import { siteName } from '@/lib/sites';
import { type Column, DataTable } from '@/ui/data-table';
import { EmptyState } from '@/ui/empty-state';
import { LinkAnchor } from '@/ui/link';
import { QueryView } from '@/ui/query-view';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { SearchInput } from '@/ui/search-input';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import { PACE_POLL_MS } from './pace-card';
import { relaySitesQuery } from './queries';
import { inTrouble, siteState, siteTone } from './site-state';

const SHOWN = 8;

/** How a relay that delivers to the recipients' servers itself stands with each of them. */
export function RelaySitesCard({ relayId }: { relayId: number }) {
  const { t } = useTranslation();
  const query = useQuery({ ...relaySitesQuery(relayId), refetchInterval: PACE_POLL_MS });
  return (
    <Section
      title={t('relays.sites.title')}
      description={t('relays.sites.text')}
      actions={
        <LinkAnchor to="/site-limits" className="link" size="sm">
          {t('relays.sites.limits')}
        </LinkAnchor>
      }
      flush
    >
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <EmptyState icon={IconMailShare} title={t('relays.sites.empty')} text={t('relays.sites.emptyText')} />
          ) : (
            <SitesTable relayId={relayId} sites={page.items} />
          )
        }
      </QueryView>
    </Section>
  );
}

function SitesTable({ relayId, sites }: { relayId: number; sites: RelaySite[] }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const [words, setWords] = useState('');
  const limits = useQuery(siteLimitsQuery);
  const known = limits.data?.known ?? [];
  const nameOf = (site: string) => siteName(known, site);
  const columns = useColumns(relayId, nameOf);
  const wanted = words.trim().toLowerCase();
  const found = sites.filter(({ site }) => `${site} ${nameOf(site)}`.toLowerCase().includes(wanted));
  const shown = all || wanted ? found : found.slice(0, SHOWN);
  const many = sites.length > SHOWN;
  return (
    <>
      {many && (
        <div style={{ padding: '0 var(--mantine-spacing-md) var(--mantine-spacing-sm)' }}>
          <SearchInput label={t('relays.sites.search')} value={words} onChange={setWords} />
        </div>
      )}
      {shown.length === 0 ? (
        <Text c="dimmed" p="md">
          {t('relays.sites.none', { words })}
        </Text>
      ) : (
        <DataTable label={t('relays.sites.title')} columns={columns} rows={shown} rowKey={(row) => row.site} />
      )}
      {many && !wanted && (
        <Button m="sm" size="compact-sm" variant="subtle" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t('relays.pace.showFewer') : t('relays.pace.showAll', { count: sites.length })}
        </Button>
      )}
    </>
  );
}

function useColumns(relayId: number, nameOf: (site: string) => string): Column<RelaySite>[] {
  const { t } = useTranslation();
  return [
    {
      key: 'site',
      header: t('relays.sites.site'),
      width: '30%',
      render: (row) => (
        <div style={{ overflowWrap: 'anywhere' }}>
          <Text fw={550}>{nameOf(row.site)}</Text>
          <LinkAnchor to="/site-limits" search={{ site: row.site, relay: relayId }} className="link" size="sm">
            {t('relays.sites.change')}
            <VisuallyHidden> {nameOf(row.site)}</VisuallyHidden>
          </LinkAnchor>
        </div>
      ),
    },
    { key: 'state', header: t('common.status'), render: (row) => <SiteStatus site={row} /> },
    {
      key: 'inFlight',
      header: t('relays.sites.inFlight'),
      align: 'end',
      render: (row) =>
        row.most_in_flight === null
          ? formatNumber(row.in_flight)
          : t('relays.sites.of', { used: row.in_flight, most: row.most_in_flight }),
    },
    {
      key: 'rate',
      header: t('relays.sites.perMinute'),
      align: 'end',
      render: (row) => (row.per_minute === null ? t('relays.noLimit') : formatNumber(rounded(row.per_minute))),
    },
  ];
}

/** Fractions matter only where little may go. */
const rounded = (rate: number) => (rate >= 10 ? Math.round(rate) : rate);

/** What the site takes of us, until when it takes less, and its words for that. */
function SiteStatus({ site }: { site: RelaySite }) {
  const { t } = useTranslation();
  const state = siteState(site);
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      <StatusBadge tone={siteTone[state]}>{t(`relays.sites.state.${state}`)}</StatusBadge>
      {site.parked_until && (
        <Text size="sm">
          {t('relays.sites.until')} <DateTime at={site.parked_until} /> (<RelativeTime at={site.parked_until} />)
        </Text>
      )}
      {site.halved > 0 && <Text size="sm">{t('relays.sites.halved', { count: site.halved })}</Text>}
      {site.misses > 0 && <Text size="sm">{t('relays.sites.misses', { count: site.misses })}</Text>}
      {site.put_off_until && (
        <Text size="sm" c="dimmed">
          {t('relays.sites.putOff')} <DateTime at={site.put_off_until} />
        </Text>
      )}
      {inTrouble(site) && site.reply && <Text className="mono">{site.reply}</Text>}
    </div>
  );
}
