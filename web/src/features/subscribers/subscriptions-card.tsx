import { ActionIcon, Button, Group, Select, Stack, Text, Tooltip } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Subscriber, Subscription, SubscriptionStatus } from '@/api/types';
import { listsQuery } from '@/features/lists/queries';
import { LinkAnchor } from '@/ui/link';
import { notifyError } from '@/ui/notify';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { removeSubscription, setSubscription, subscriberQuery } from './queries';

const statuses: SubscriptionStatus[] = ['subscribed', 'unconfirmed', 'unsubscribed'];

/** The lists somebody is on, and where each subscription came from. */
export function SubscriptionsCard({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const lists = useQuery(listsQuery());
  const [chosen, setChosen] = useState<string | null>(null);
  const { set, remove } = useSubscriptionChanges(subscriber.id);
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
            onStatus={(status) => set.mutate({ subscriberId: subscriber.id, listId: subscription.list_id, status })}
            onRemove={() => remove.mutate({ subscriberId: subscriber.id, listId: subscription.list_id })}
          />
        ))}
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

type RowProps = {
  subscription: Subscription;
  onStatus: (status: SubscriptionStatus) => void;
  onRemove: () => void;
};

function Row({ subscription, onStatus, onRemove }: RowProps) {
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
