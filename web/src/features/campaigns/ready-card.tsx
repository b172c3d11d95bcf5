import { Group, Stack, Text } from '@mantine/core';
import { IconCircleCheck, IconCircleDashed } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { formatList, formatNumber } from '@/lib/format';
import { keepsFromStarting, routeIssues } from '@/lib/routing';
import { LinkAnchor } from '@/ui/link';
import { useRelays } from '@/ui/mailing/use-relays';
import { preflightQuery } from '@/ui/preflight/queries';
import { Section } from '@/ui/section';
import { AudienceList } from './audience-list';
import { audienceQuery } from './queries';

/** What is still missing before the campaign can be sent, and how many it would reach, as saved. */
export function ReadyCard({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const audience = useQuery({ ...audienceQuery(campaign.id), enabled: campaign.list_ids.length > 0 });
  const { relays, ready } = useRelays(campaign.relay_ids);
  // While they are not there, and where they cannot be loaded, those that are chosen count.
  const chosen = ready ? relays.length : campaign.relay_ids.length;
  const blocked = routeIssues(relays, campaign.from_email).some(keepsFromStarting);
  const check = useQuery(preflightQuery(campaign.id)).data;
  const steps = [
    { key: 'lists', done: campaign.list_ids.length > 0, label: t('campaigns.ready.lists') },
    { key: 'from', done: campaign.from_email !== '', label: t('campaigns.ready.from') },
    {
      key: 'relay',
      done: chosen > 0 && !blocked,
      label: t(blocked ? 'campaigns.ready.relayBlocked' : 'campaigns.ready.relay', { count: chosen || 1 }),
      detail: formatList(relays.map((relay) => relay.name)),
    },
    { key: 'subject', done: campaign.subject !== '', label: t('campaigns.ready.subject') },
    { key: 'content', done: campaign.html !== '' || campaign.text !== '', label: t('campaigns.ready.content') },
    {
      key: 'check',
      done: Boolean(check && !check.content_changed && !check.would_block && check.unacknowledged.length === 0),
      label: !check
        ? t('preflight.ready.never')
        : check.content_changed
          ? t('preflight.ready.old')
          : check.would_block
            ? t('preflight.ready.blocked', { count: check.summary.blocking })
            : check.unacknowledged.length > 0
              ? t('preflight.ready.warnings', { count: check.unacknowledged.length })
              : t('preflight.ready.passed'),
      detail: (
        <LinkAnchor to="/campaigns/$id" params={{ id: String(campaign.id) }} search={{ tab: 'check' }} className="link">
          {t('preflight.ready.open')}
        </LinkAnchor>
      ),
    },
  ];
  return (
    <Section title={t('campaigns.ready.title')}>
      <Stack gap="sm">
        {steps.map((step) => (
          <Group key={step.key} gap={8} wrap="nowrap" align="flex-start">
            {step.done ? (
              <IconCircleCheck
                size={18}
                color="var(--app-good)"
                style={{ flexShrink: 0 }}
                aria-label={t('campaigns.ready.done')}
              />
            ) : (
              <IconCircleDashed
                size={18}
                color="var(--mantine-color-dimmed)"
                style={{ flexShrink: 0 }}
                aria-label={t('campaigns.ready.open')}
              />
            )}
            <div style={{ minWidth: 0 }}>
              <Text {...(step.done ? {} : { c: 'dimmed' })}>{step.label}</Text>
              {step.detail && (
                <Text size="sm" c="dimmed" component="div" style={{ overflowWrap: 'anywhere' }}>
                  {step.detail}
                </Text>
              )}
            </div>
          </Group>
        ))}
        {audience.data && campaign.list_ids.length > 0 && (
          <div style={{ borderTop: '1px solid var(--app-border)', paddingTop: 12 }}>
            <Text size="sm" c="dimmed">
              {t('campaigns.ready.reach')}
            </Text>
            <Text fz={22} fw={650} className="tabular">
              {formatNumber(audience.data.mailable)}
            </Text>
            <AudienceList audience={audience.data} />
          </div>
        )}
      </Stack>
    </Section>
  );
}
