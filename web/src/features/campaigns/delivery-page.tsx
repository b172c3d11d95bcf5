import { Grid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { DeliveryStory } from '@/api/types';
import { subscriberQuery } from '@/features/subscribers/queries';
import { total } from '@/lib/tally';
import { CopyField } from '@/ui/copy-field';
import { DeliveryBadge } from '@/ui/delivery-badge';
import { LinkAnchor } from '@/ui/link';
import { PageHeader } from '@/ui/page-header';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { Moments } from '@/ui/story/moments';
import { SuppressionBanner } from '@/ui/suppression-banner';
import { deliveryQuery } from './queries';
import { letter } from './variants';

const route = getRouteApi('/shell/campaigns/$id/deliveries/$seq');
const REFRESH_MS = 10_000;

/** The whole story of one delivery, from the queue to what the recipient did, in one timeline. */
export function DeliveryPage() {
  const { id, seq } = route.useParams();
  const query = useQuery({ ...deliveryQuery(Number(id), Number(seq)), refetchInterval: REFRESH_MS });
  return <QueryView query={query}>{(delivery) => <Story delivery={delivery} />}</QueryView>;
}

function Story({ delivery }: { delivery: DeliveryStory }) {
  const { t } = useTranslation();
  return (
    <>
      <PageHeader
        title={delivery.email}
        badge={<DeliveryBadge state={delivery.state} />}
        back={
          <LinkAnchor
            to="/campaigns/$id"
            params={{ id: String(delivery.campaign_id) }}
            search={{ tab: 'deliveries' }}
            className="link"
          >
            {delivery.campaign_name}
          </LinkAnchor>
        }
      />
      <Stack>
        {delivery.subscriber_id !== null && <Suppressed subscriberId={delivery.subscriber_id} />}
        <Grid gap="md">
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Section title={t('story.timeline')}>
              <Moments delivery={delivery} />
            </Section>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Facts delivery={delivery} />
          </Grid.Col>
        </Grid>
      </Stack>
    </>
  );
}

// The person may be deleted by now; then there is nothing to lift.
function Suppressed({ subscriberId }: { subscriberId: number }) {
  const query = useQuery({ ...subscriberQuery(subscriberId), retry: false });
  return query.data ? <SuppressionBanner subscriber={query.data} /> : null;
}

function Facts({ delivery }: { delivery: DeliveryStory }) {
  const { t } = useTranslation();
  return (
    <Section title={t('story.facts')}>
      <Stack gap="sm">
        {delivery.subscriber_id !== null && (
          <Fact name={t('story.person')}>
            <LinkAnchor
              to="/subscribers/$id"
              params={{ id: String(delivery.subscriber_id) }}
              className="link-strong"
              style={{ overflowWrap: 'anywhere' }}
            >
              {delivery.email}
            </LinkAnchor>
          </Fact>
        )}
        {delivery.variant !== null && <Fact name={t('campaigns.ab.variantColumn')}>{letter(delivery.variant)}</Fact>}
        <Fact name={t('deliveries.relay')}>{delivery.relay_name ?? t('deliveries.noRelay')}</Fact>
        <Fact name={t('deliveries.attempts')}>{delivery.attempts}</Fact>
        {total(delivery.opens) > 0 && <Fact name={t('tracking.opens')}>{t('tracking.all', delivery.opens)}</Fact>}
        {total(delivery.clicks) > 0 && <Fact name={t('tracking.clicks')}>{t('tracking.all', delivery.clicks)}</Fact>}
        <Fact name={t('deliveries.messageId')}>
          <CopyField value={delivery.message_id} label={t('deliveries.messageId')} />
        </Fact>
      </Stack>
    </Section>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <div>{children}</div>
    </div>
  );
}
