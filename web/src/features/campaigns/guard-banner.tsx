import { Alert, Button, Group, Text } from '@mantine/core';
import { IconAlertTriangle, IconPlayerPlay } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Campaign, Stats } from '@/api/types';
import { LinkButton } from '@/ui/link';
import { guardReason } from './guard';
import { useLiveActions } from './use-live-actions';

/** A campaign that stopped by itself asks what to do; it is a person's decision to go on. */
export function GuardBanner({ campaign, stats }: { campaign: Campaign; stats: Stats | undefined }) {
  const { t } = useTranslation();
  const { resume, cancel, askToCancel } = useLiveActions(campaign, stats);
  return (
    <Alert
      role="alert"
      variant="default"
      style={{ borderColor: 'var(--app-bad)' }}
      icon={<IconAlertTriangle color="var(--app-bad)" />}
      title={t('campaigns.live.guardTitle')}
    >
      <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
        {guardReason(campaign.pause_reason ?? '')}
      </Text>
      <Text mt={4}>{t('campaigns.live.guardText')}</Text>
      <Group gap="xs" mt="sm">
        <LinkButton size="xs" to="/bounces" search={{ campaign: campaign.id }}>
          {t('campaigns.live.guardLook')}
        </LinkButton>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlayerPlay size={14} />}
          loading={resume.isPending}
          onClick={() => resume.mutate()}
        >
          {t('campaigns.live.guardResume')}
        </Button>
        <Button size="xs" variant="default" loading={cancel.isPending} onClick={askToCancel}>
          {t('campaigns.live.cancel')}
        </Button>
      </Group>
    </Alert>
  );
}
