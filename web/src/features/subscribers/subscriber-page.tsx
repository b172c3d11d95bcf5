import { Button, Grid, Stack } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Subscriber } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { DateTime } from '@/ui/relative-time';
import { SuppressionBanner } from '@/ui/suppression-banner';
import { HistoryCard } from './history-card';
import { PauseBanner } from './pause-banner';
import { PersonMenu } from './person-menu';
import { ProfileCard } from './profile-card';
import { deleteSubscriber, subscriberQuery } from './queries';
import { SubscriptionsCard } from './subscriptions-card';
import { WishesCard } from './wishes-card';

const route = getRouteApi('/shell/subscribers/$id');

export function SubscriberPage() {
  const id = Number(route.useParams().id);
  const query = useQuery(subscriberQuery(id));
  return <QueryView query={query}>{(subscriber) => <SubscriberView subscriber={subscriber} />}</QueryView>;
}

function SubscriberView({ subscriber }: { subscriber: Subscriber }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteSubscriber(subscriber.id),
    onSuccess: async () => {
      notifySuccess(t('subscribers.deleted', { email: subscriber.email }));
      await navigate({ to: '/subscribers' });
      queryClient.removeQueries({ queryKey: ['subscribers', subscriber.id] });
      await queryClient.invalidateQueries({ queryKey: ['subscribers', 'page'] });
    },
    onError: notifyError,
  });
  const left = subscriber.subscriptions.some((one) => one.status === 'unsubscribed');
  return (
    <>
      <PageHeader
        title={subscriber.email}
        description={
          <>
            {t('subscribers.added')} <DateTime at={subscriber.created_at} />
          </>
        }
        back={
          <LinkAnchor to="/subscribers" className="link">
            {t('nav.subscribers')}
          </LinkAnchor>
        }
        actions={
          <>
            <PersonMenu subscriber={subscriber} />
            <Button
              variant="default"
              leftSection={<IconTrash size={16} />}
              loading={remove.isPending}
              onClick={() =>
                confirmAction({
                  title: t('subscribers.deleteTitle', { email: subscriber.email }),
                  body: [
                    t('subscribers.deleteText', { count: subscriber.subscriptions.length }),
                    left && t('subscribers.deleteTextLeft'),
                  ]
                    .filter(Boolean)
                    .join(' '),
                  confirm: t('common.delete'),
                  onConfirm: () => remove.mutate(),
                })
              }
            >
              {t('common.delete')}
            </Button>
          </>
        }
      />
      <Stack>
        {subscriber.suppressed && <SuppressionBanner subscriber={subscriber} />}
        <PauseBanner subscriber={subscriber} />
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 7 }}>
            <ProfileCard key={subscriber.updated_at} subscriber={subscriber} />
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 5 }}>
            <Stack>
              <SubscriptionsCard subscriber={subscriber} />
              <WishesCard subscriber={subscriber} />
            </Stack>
          </Grid.Col>
        </Grid>
        <HistoryCard subscriberId={subscriber.id} />
      </Stack>
    </>
  );
}
