import { Alert, Button, Group, Text } from '@mantine/core';
import { IconHelpCircle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { confirmAction } from '@/ui/confirm';
import { LinkButton } from '@/ui/link';
import { notifyError, notifySuccess } from '@/ui/notify';
import { resolveUnconfirmed } from './queries';

type Action = 'resend' | 'assume_delivered';

/** Deliveries handed over without an answer: whether they arrived is not known, so a person decides. */
export function UnconfirmedBanner({ campaign, count }: { campaign: Pick<Campaign, 'id'>; count: number }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const resolve = useMutation({
    mutationFn: (action: Action) => resolveUnconfirmed({ id: campaign.id, action }),
    onSuccess: ({ changed }) => {
      notifySuccess(t('campaigns.unconfirmed.changed', { count: changed }));
      return queryClient.invalidateQueries({ queryKey: ['campaigns', campaign.id] });
    },
    onError: notifyError,
  });
  const ask = (action: Action) =>
    confirmAction({
      title: t(`campaigns.unconfirmed.${action}Title`, { count }),
      body: t(`campaigns.unconfirmed.${action}Text`),
      confirm: t(`campaigns.unconfirmed.${action}`),
      danger: false,
      onConfirm: () => resolve.mutate(action),
    });
  return (
    <Alert
      variant="default"
      icon={<IconHelpCircle color="var(--app-warn)" />}
      title={t('campaigns.unconfirmed.title', { count })}
    >
      <Text>{t('campaigns.unconfirmed.text')}</Text>
      <Group gap="xs" mt="sm">
        <LinkButton
          size="xs"
          variant="default"
          to="/campaigns/$id"
          params={{ id: String(campaign.id) }}
          search={{ tab: 'deliveries', state: 'unconfirmed' }}
        >
          {t('campaigns.unconfirmed.show')}
        </LinkButton>
        <Button size="xs" variant="default" loading={resolve.isPending} onClick={() => ask('resend')}>
          {t('campaigns.unconfirmed.resend')}
        </Button>
        <Button size="xs" variant="default" loading={resolve.isPending} onClick={() => ask('assume_delivered')}>
          {t('campaigns.unconfirmed.assume_delivered')}
        </Button>
      </Group>
    </Alert>
  );
}
