import { Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { audienceQuery, campaignQuery } from '@/features/campaigns/queries';
import { formatNumber } from '@/lib/format';
import { ErrorState } from '@/ui/error-state';
import { StartCheck } from '@/ui/preflight/start-check';
import { useCheck } from '@/ui/preflight/use-check';

type Props = { campaignId: number; onReady: (ready: boolean) => void; onLeave: () => void };

/** The last look before an issue goes out at once: what, to how many people, and what the check says. */
export function SendNowFacts({ campaignId, onReady, onLeave }: Props) {
  const { t } = useTranslation();
  const campaign = useQuery(campaignQuery(campaignId));
  const audience = useQuery({ ...audienceQuery(campaignId), gcTime: 0 });
  const check = useCheck(campaignId, { auto: true });
  const ready = check.passed && (audience.data?.mailable ?? 0) > 0;
  useEffect(() => onReady(ready), [onReady, ready]);
  return (
    <Stack>
      <div>
        <Text size="sm" c="dimmed">
          {t('editor.subject')}
        </Text>
        <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
          {campaign.data && (campaign.data.subject || t('editor.noSubject'))}
        </Text>
      </div>
      {audience.error ? (
        <ErrorState error={audience.error} onRetry={() => void audience.refetch()} />
      ) : audience.data ? (
        <div>
          <Text size="sm" c="dimmed">
            {t('campaigns.ready.reach')}
          </Text>
          <Text fz={28} fw={650} className="tabular">
            {formatNumber(audience.data.mailable)}
          </Text>
        </div>
      ) : (
        <Skeleton height={56} />
      )}
      <StartCheck campaignId={campaignId} check={check} onLeave={onLeave} />
    </Stack>
  );
}
