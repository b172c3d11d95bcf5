import { Alert, Text } from '@mantine/core';
import { IconRepeat } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { formatList } from '@/lib/format';
import { isEditable } from '@/lib/states';
import { LinkAnchor } from '@/ui/link';
import { campaignQuery } from './queries';

/** Of which campaign this is another run, and for whom. */
export function RunNote({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const parent = useQuery({ ...campaignQuery(campaign.parent_id ?? 0), enabled: campaign.parent_id !== null });
  return (
    <Alert variant="default" icon={<IconRepeat color="var(--app-info)" />}>
      <Text>
        {t('campaigns.again.runOf', { run: campaign.run_no })}{' '}
        <LinkAnchor to="/campaigns/$id" params={{ id: String(campaign.parent_id) }} underline="always">
          {parent.data?.name ?? t('campaigns.again.first')}
        </LinkAnchor>
        {': '}
        {formatList(campaign.rerun_to.map((to) => t(`campaigns.again.short.${to as 'failed'}`)))}.
      </Text>
      {isEditable(campaign.status) && (
        <Text size="sm" c="dimmed">
          {t('campaigns.again.fixed')}
        </Text>
      )}
    </Alert>
  );
}
