import { Button, Group, Stack } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { WebhookSource } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { LinkAnchor } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import {
  deleteWebhookSource,
  keepSource,
  renewWebhookSource,
  webhookSourceQuery,
  webhookSourcesQuery,
} from './queries';
import { SetUpCard } from './set-up-card';
import { TopicsCard } from './topics-card';
import { WebhookBadge } from './webhook-badge';
import { WhatCameCard } from './what-came-card';

const route = getRouteApi('/shell/provider-webhooks/$id');

export function ProviderWebhookPage() {
  const id = Number(route.useParams().id);
  const query = useQuery(webhookSourceQuery(id));
  return <QueryView query={query}>{(source) => <WebhookView key={source.id} source={source} />}</QueryView>;
}

function WebhookView({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  const provider = t(`providerWebhooks.names.${source.provider}`);
  return (
    <>
      <PageHeader
        title={source.name}
        badge={<WebhookBadge source={source} />}
        description={provider === source.name ? undefined : provider}
        back={
          <LinkAnchor to="/provider-webhooks" className="link">
            {t('nav.providerWebhooks')}
          </LinkAnchor>
        }
        actions={<DeleteButton source={source} />}
      />
      <Stack>
        <SetUpCard source={source} />
        {source.provider === 'ses' && <TopicsCard source={source} />}
        <WhatCameCard source={source} />
        <RenewCard source={source} />
      </Stack>
    </>
  );
}

function RenewCard({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const renew = useMutation({
    mutationFn: () => renewWebhookSource(source.id),
    onSuccess: (saved) => {
      keepSource(queryClient, saved);
      notifySuccess(t('providerWebhooks.renewed'));
    },
    onError: notifyError,
  });
  const ask = () =>
    confirmAction({
      title: t('providerWebhooks.renewTitle'),
      body: t('providerWebhooks.renewText'),
      confirm: t('providerWebhooks.renew'),
      onConfirm: () => renew.mutate(),
    });
  return (
    <Section title={t('providerWebhooks.renew')} description={t('providerWebhooks.renewText')}>
      <Group>
        <Button variant="default" loading={renew.isPending} onClick={ask}>
          {t('providerWebhooks.renew')}
        </Button>
      </Group>
    </Section>
  );
}

function DeleteButton({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const queryClient = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteWebhookSource(source.id),
    onSuccess: async () => {
      notifySuccess(t('providerWebhooks.deleted', { name: source.name }));
      await navigate({ to: '/provider-webhooks' });
      await queryClient.invalidateQueries({ queryKey: webhookSourcesQuery.queryKey });
    },
    onError: notifyError,
  });
  return (
    <Button
      variant="default"
      leftSection={<IconTrash size={16} />}
      loading={remove.isPending}
      onClick={() =>
        confirmAction({
          title: t('providerWebhooks.deleteTitle', { name: source.name }),
          body: t('providerWebhooks.deleteText', { provider: t(`providerWebhooks.names.${source.provider}`) }),
          confirm: t('common.delete'),
          onConfirm: () => remove.mutate(),
        })
      }
    >
      {t('common.delete')}
    </Button>
  );
}
