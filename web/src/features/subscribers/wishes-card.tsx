import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Subscriber, Unsubscribe } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { LinkAnchor } from '@/ui/link';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { subscriberUnsubscribesQuery } from './queries';

/** What somebody chose by the links of mails: how often they want mail, and when and why they left. */
export function WishesCard({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const frequency = subscriber.frequency;
  return (
    <Section title={t('subscribers.wishes')}>
      <Stack>
        <div>
          <Text size="sm" c="dimmed">
            {t('subscribers.frequency')}
          </Text>
          <Text>{t(`subscribers.frequencyLimit.${frequency?.limit ?? 'all'}`)}</Text>
          {frequency && (
            <Text size="sm" c="dimmed">
              <DateTime at={frequency.since} /> · {frequency.source}
            </Text>
          )}
        </div>
        <Left subscriberId={subscriber.id} />
      </Stack>
    </Section>
  );
}

function Left({ subscriberId }: { subscriberId: number }) {
  const { t } = useTranslation();
  const cursor = useCursor('');
  const query = useQuery(subscriberUnsubscribesQuery(subscriberId, cursor.current));
  return (
    <div>
      <Text size="sm" c="dimmed">
        {t('subscribers.unsubscribes')}
      </Text>
      <QueryView query={query}>
        {(page) =>
          page.items.length === 0 ? (
            <Text>{t('subscribers.noUnsubscribes')}</Text>
          ) : (
            <Stack gap="sm">
              {page.items.map((one) => (
                <Entry key={one.id} entry={one} />
              ))}
              <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
            </Stack>
          )
        }
      </QueryView>
    </div>
  );
}

function Entry({ entry }: { entry: Unsubscribe }) {
  const { t } = useTranslation();
  const lists = entry.list_names.join(', ');
  const what = entry.everything
    ? t('subscribers.leftEverything')
    : lists
      ? t('subscribers.leftLists', { lists })
      : t('subscribers.leftDeleted');
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      <Text>{what}</Text>
      <Text size="sm">{t(`unsubscribes.reason.${entry.reason ?? 'none'}`)}</Text>
      {entry.comment && <Text size="sm">“{entry.comment}”</Text>}
      <Text size="sm" c="dimmed">
        <DateTime at={entry.at} /> · {entry.source}
        {entry.campaign_name && (
          <>
            {' · '}
            <LinkAnchor
              to="/campaigns/$id"
              params={{ id: String(entry.campaign_id) }}
              search={{ tab: 'deliveries', seq: entry.seq }}
              className="link"
            >
              {entry.campaign_name}
            </LinkAnchor>
          </>
        )}
      </Text>
      {entry.undone_at && (
        <Text size="sm" c="dimmed">
          {t('subscribers.cameBack')}: <DateTime at={entry.undone_at} />
        </Text>
      )}
    </div>
  );
}
