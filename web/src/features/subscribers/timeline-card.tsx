import { MultiSelect, Text, Timeline } from '@mantine/core';
import {
  IconAdjustments,
  IconAlertTriangle,
  IconBan,
  IconChecklist,
  IconClick,
  IconFileImport,
  IconMail,
  IconMailOff,
  IconMailOpened,
  IconThumbDown,
  IconUserMinus,
  IconUserPlus,
  IconUsersGroup,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DeliveryState, Moment, MomentKind, SubscriptionStatus, SuppressionReason } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { useWords } from '@/lib/words';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { timelineQuery } from './queries';

const icons = {
  message: IconMail,
  excluded: IconMailOff,
  open: IconMailOpened,
  click: IconClick,
  bounce: IconAlertTriangle,
  complaint: IconThumbDown,
  unsubscribe: IconUserMinus,
  consent: IconChecklist,
  import: IconFileImport,
  preference: IconAdjustments,
  suppression: IconBan,
  bulk: IconUsersGroup,
  created: IconUserPlus,
} satisfies Record<MomentKind, unknown>;
const kinds = Object.keys(icons) as MomentKind[];

/** Everything that was ever sent to a person and what came of it, what they did and what was done, newest first. */
export function PersonTimeline({ subscriberId }: { subscriberId: number }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<MomentKind[]>([]);
  const cursor = useCursor(chosen.join());
  const query = useQuery(timelineQuery(subscriberId, chosen, cursor.current));
  return (
    <>
      <MultiSelect
        m="md"
        maw={560}
        aria-label={t('subscribers.timelineFilter')}
        placeholder={chosen.length === 0 ? t('subscribers.everythingKinds') : ''}
        clearable
        data={kinds.map((kind) => ({ value: kind, label: t(`subscribers.kind.${kind}`) }))}
        value={chosen}
        onChange={(next) => setChosen(next as MomentKind[])}
      />
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <Text c="dimmed" p="md">
              {t('subscribers.timelineEmpty')}
            </Text>
          ) : (
            <>
              <div style={{ padding: '0 var(--mantine-spacing-md) var(--mantine-spacing-md)' }}>
                <Timeline bulletSize={26} lineWidth={2} color="gray" aria-label={t('subscribers.timeline')}>
                  {page.items.map((moment) => (
                    <Item key={`${moment.kind}-${moment.ref}`} moment={moment} />
                  ))}
                </Timeline>
              </div>
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
            </>
          )
        }
      </QueryView>
    </>
  );
}

// Timeline gives its items what they look like by props, which must go through.
function Item({ moment, ...rest }: { moment: Moment }) {
  const Icon = icons[moment.kind];
  const title = useTitle()(moment);
  return (
    <Timeline.Item {...rest} bullet={<Icon size={14} aria-hidden />} title={<Headline moment={moment} title={title} />}>
      <Text size="sm" c="dimmed">
        <DateTime at={moment.at} />
      </Text>
      <Facts moment={moment} />
    </Timeline.Item>
  );
}

function Headline({ moment, title }: { moment: Moment; title: string }) {
  if (moment.campaign_id !== null && moment.campaign_name && moment.seq !== null) {
    return (
      <LinkAnchor
        to="/campaigns/$id/deliveries/$seq"
        params={{ id: String(moment.campaign_id), seq: String(moment.seq) }}
        className="link-strong"
      >
        {title}
      </LinkAnchor>
    );
  }
  if (moment.kind === 'import' && moment.import_id !== null) {
    return (
      <LinkAnchor to="/imports/$id" params={{ id: String(moment.import_id) }} className="link-strong">
        {title}
      </LinkAnchor>
    );
  }
  if (moment.bulk_id !== null) {
    return (
      <LinkAnchor to="/bulk-actions/$id" params={{ id: String(moment.bulk_id) }} className="link-strong">
        {title}
      </LinkAnchor>
    );
  }
  return title;
}

function useTitle() {
  const { t } = useTranslation();
  return (m: Moment): string => {
    const campaign = m.campaign_name || t('subscribers.moment.deletedCampaign');
    const list = m.list_name || t('subscribers.deletedList');
    switch (m.kind) {
      case 'message':
        return t('subscribers.moment.message', { state: t(`deliveries.state.${m.status as DeliveryState}`), campaign });
      case 'unsubscribe': {
        if (m.status === 'undone') return t('subscribers.moment.unsubscribeUndone', { campaign });
        return t(`subscribers.moment.${m.status === 'everything' ? 'unsubscribeEverything' : 'unsubscribe'}`, {
          campaign,
        });
      }
      case 'consent':
        return t('subscribers.moment.consent', {
          status: t(`subscriptions.${m.status as SubscriptionStatus}`),
          list,
        });
      case 'import':
        return t(`subscribers.moment.${m.status === 'created' ? 'importCreated' : 'importChanged'}`);
      case 'preference':
        if (m.status === 'paused') return t('subscribers.moment.paused', { until: m.detail });
        return t(`subscribers.moment.${m.status === 'weekly' ? 'weekly' : 'monthly'}`);
      case 'suppression': {
        const lifted = m.status === 'lifted';
        if (m.address.startsWith('@')) {
          return t(`subscribers.moment.${lifted ? 'liftedDomain' : 'addedDomain'}`, { domain: m.address.slice(1) });
        }
        const reason = t(`suppressions.reason.${m.reason as SuppressionReason}`);
        return t(`subscribers.moment.${lifted ? 'lifted' : 'added'}`, { reason });
      }
      case 'bulk':
        return t('subscribers.moment.bulk', { action: t(`bulk.action.${m.status as 'delete'}`) });
    }
    return t(`subscribers.moment.${m.kind}`, { campaign });
  };
}

/** What is known of a moment besides its kind and time. */
function Facts({ moment: m }: { moment: Moment }) {
  const { t } = useTranslation();
  const lines = useReasons()(m);
  return (
    <>
      {lines.map((line) => (
        <Text key={line} size="sm">
          {line}
        </Text>
      ))}
      {m.url && (
        <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
          {m.url}
        </Text>
      )}
      {m.detail && m.kind !== 'preference' && (
        <Text size="sm" className={quoted.includes(m.kind) ? undefined : 'mono'} style={{ overflowWrap: 'anywhere' }}>
          {m.detail}
        </Text>
      )}
      {m.evidence?.ip && (
        <Text size="sm" c="dimmed">
          {t('subscribers.evidenceField.ip')}: {m.evidence.ip}
        </Text>
      )}
    </>
  );
}

// Kinds whose detail is somebody's words and not a server's.
const quoted: MomentKind[] = ['unsubscribe', 'consent', 'import', 'suppression', 'bulk'];
const leaving = ['too_often', 'not_interested', 'never_signed_up', 'not_relevant', 'other'] as const;
const excluded = ['suppressed', 'unsubscribed', 'unconfirmed', 'paused', 'frequency'] as const;

function useReasons() {
  const { t } = useTranslation();
  const words = useWords();
  return (m: Moment): string[] => {
    const lines: string[] = [];
    const left = leaving.find((one) => one === m.reason);
    const out = excluded.find((one) => one === m.reason);
    if (m.kind === 'unsubscribe' && left) lines.push(t(`unsubscribes.reason.${left}`));
    if (m.kind === 'bounce') lines.push(words.reason(m.reason));
    if (m.kind === 'excluded' || (m.kind === 'message' && m.reason)) {
      lines.push(out ? t(`subscribers.excludedReason.${out}`) : m.reason.replaceAll('_', ' '));
    }
    if ((m.kind === 'open' || m.kind === 'click') && (m.actor === 'machine' || m.actor === 'unknown')) {
      lines.push(t(`tracking.by.${m.actor}`));
    }
    if (m.kind === 'suppression' && m.actor) lines.push(t('subscribers.by', { who: m.actor }));
    else if (m.source) lines.push(m.import_name ? `${m.source} · ${m.import_name}` : m.source);
    else if (m.import_name) lines.push(m.import_name);
    return lines;
  };
}
