import { Accordion, ActionIcon, Button, Group, Select, Stack, Text, Tooltip } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Consent, Subscriber, Subscription, SubscriptionStatus } from '@/api/types';
import { listsQuery } from '@/features/lists/queries';
import { formatNumber } from '@/lib/format';
import { LinkAnchor } from '@/ui/link';
import { notifyError } from '@/ui/notify';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import { subscriptionTone } from '@/ui/subscriber-table';
import { EvidenceButton, EvidenceFacts } from './evidence';
import { consentsQuery, removeSubscription, setSubscription, subscriberQuery } from './queries';

const statuses: SubscriptionStatus[] = ['subscribed', 'unconfirmed', 'unsubscribed'];

/** The lists somebody is on, and where each subscription came from. */
export function SubscriptionsCard({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const lists = useQuery(listsQuery());
  const [chosen, setChosen] = useState<string | null>(null);
  const { set, remove } = useSubscriptionChanges(subscriber.id);
  const consents = useQuery(consentsQuery(subscriber.id)).data ?? [];
  const earlier = consents.filter((one) => one.until !== null);
  const free = (lists.data?.items ?? []).filter(
    (list) => !subscriber.subscriptions.some((one) => one.list_id === list.id),
  );
  return (
    <Section title={t('subscribers.subscriptions')}>
      <Stack>
        {subscriber.subscriptions.length === 0 && <Text c="dimmed">{t('subscribers.onNoList')}</Text>}
        {subscriber.subscriptions.map((subscription) => (
          <Row
            key={subscription.list_id}
            subscription={subscription}
            consent={consents.find((one) => one.until === null && one.list_id === subscription.list_id)}
            onStatus={(status) => set.mutate({ subscriberId: subscriber.id, listId: subscription.list_id, status })}
            onRemove={() => remove.mutate({ subscriberId: subscriber.id, listId: subscription.list_id })}
          />
        ))}
        {earlier.length > 0 && <Earlier consents={earlier} />}
        {free.length > 0 && (
          <Group gap="xs" align="flex-end" wrap="nowrap">
            <Select
              label={t('subscribers.addToList')}
              placeholder={t('subscribers.chooseList')}
              searchable
              style={{ flex: 1 }}
              value={chosen}
              onChange={setChosen}
              data={free.map((list) => ({ value: String(list.id), label: list.name }))}
            />
            <Button
              variant="default"
              disabled={!chosen}
              loading={set.isPending}
              onClick={() => {
                set.mutate({ subscriberId: subscriber.id, listId: Number(chosen), status: 'subscribed' });
                setChosen(null);
              }}
            >
              {t('common.add')}
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  );
}

function useSubscriptionChanges(subscriberId: number) {
  const queryClient = useQueryClient();
  const settle = {
    onSuccess: (saved: Subscriber) => {
      queryClient.setQueryData(subscriberQuery(subscriberId).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: ['subscribers', subscriberId, 'consents'] });
      void queryClient.invalidateQueries({ queryKey: ['subscribers', subscriberId, 'timeline'] });
      void queryClient.invalidateQueries({ queryKey: ['lists'] });
      void queryClient.invalidateQueries({ queryKey: ['subscribers', 'page'] });
    },
    onError: notifyError,
  };
  return {
    set: useMutation({ mutationFn: setSubscription, ...settle }),
    remove: useMutation({ mutationFn: removeSubscription, ...settle }),
  };
}

/** How somebody stood with lists before, with the evidence of each. */
function Earlier({ consents }: { consents: Consent[] }) {
  const { t } = useTranslation();
  return (
    <Accordion variant="contained" chevronPosition="left">
      <Accordion.Item value="earlier">
        <Accordion.Control>
          {t('subscribers.consentHistory')} ({formatNumber(consents.length)})
        </Accordion.Control>
        <Accordion.Panel>
          <Stack gap="sm" style={{ maxHeight: 360, overflowY: 'auto' }}>
            {consents.map((one) => (
              <div key={`${one.list_id}-${one.since}-${one.until}`}>
                <Group gap={6} mb={4}>
                  <Text fw={550} size="sm">
                    {one.list_name || t('subscribers.deletedList')}
                  </Text>
                  <StatusBadge tone={subscriptionTone[one.status]}>{t(`subscriptions.${one.status}`)}</StatusBadge>
                </Group>
                <EvidenceFacts consent={one} />
              </div>
            ))}
          </Stack>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  );
}

type RowProps = {
  subscription: Subscription;
  consent: Consent | undefined;
  onStatus: (status: SubscriptionStatus) => void;
  onRemove: () => void;
};

function Row({ subscription, consent, onStatus, onRemove }: RowProps) {
  const { t } = useTranslation();
  const name = subscription.list_name;
  return (
    <Group gap="xs" wrap="nowrap" justify="space-between">
      <div style={{ minWidth: 0 }}>
        <LinkAnchor to="/lists/$id" params={{ id: String(subscription.list_id) }} className="link-strong">
          {name}
        </LinkAnchor>
        <Text size="sm" c="dimmed" truncate>
          {subscription.source} · <RelativeTime at={subscription.updated_at} />
        </Text>
        {consent && <EvidenceButton consent={consent} name={name} />}
      </div>
      <Group gap={4} wrap="nowrap">
        <Select
          aria-label={t('subscribers.statusIn', { name })}
          w={140}
          allowDeselect={false}
          value={subscription.status}
          onChange={(status) => status && onStatus(status as SubscriptionStatus)}
          data={statuses.map((status) => ({ value: status, label: t(`subscriptions.${status}`) }))}
        />
        <Tooltip label={t('subscribers.removeFrom', { name })}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('subscribers.removeFrom', { name })}
            onClick={onRemove}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  );
}
