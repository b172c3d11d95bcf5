import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay } from '@/api/types';
import { siteLimitsQuery } from '@/features/site-limits/queries';
import { capitalized, formatList } from '@/lib/format';
import { siteName } from '@/lib/sites';

type Rules = Pick<Relay, 'from_domains' | 'recipient_sites'>;

const SHOWN = 3;

/** Which mail a relay takes, in one line. */
export function RoutingRules({ relay }: { relay: Rules }) {
  const { t } = useTranslation();
  const { data } = useQuery({ ...siteLimitsQuery, enabled: relay.recipient_sites.length > 0 });
  const listed = (names: string[]) => {
    const more = names.length - SHOWN;
    return formatList(more > 1 ? [...names.slice(0, SHOWN), t('routing.more', { count: more })] : names);
  };
  const rules = [];
  if (relay.from_domains.length > 0) rules.push(t('routing.from', { domains: listed(relay.from_domains) }));
  if (relay.recipient_sites.length > 0) {
    const sites = relay.recipient_sites.map((site) => siteName(data?.known ?? [], site));
    rules.push(t('routing.to', { sites: listed(sites) }));
  }
  return capitalized(rules.join(' · ') || t('routing.all'));
}
