import { SimpleGrid, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { WebhookSource } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { FormAlert } from '@/ui/form-alert';
import { RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import { errorIsLast } from './webhook-state';

/** What the provider has sent so far, and why something of it was not taken. */
export function WhatCameCard({ source }: { source: WebhookSource }) {
  const { t } = useTranslation();
  return (
    <Section title={t('providerWebhooks.what')}>
      <Stack>
        {source.last_error && errorIsLast(source) && <FormAlert message={source.last_error} />}
        <SimpleGrid cols={{ base: 2, sm: 4 }} component="dl" m={0}>
          <Figure label={t('providerWebhooks.lastReceived')}>
            {source.last_received_at ? <RelativeTime at={source.last_received_at} /> : t('providerWebhooks.never')}
          </Figure>
          <Figure label={t('providerWebhooks.received')}>{formatNumber(source.received)}</Figure>
          <Figure label={t('providerWebhooks.reports')}>{formatNumber(source.reports)}</Figure>
          <Figure label={t('providerWebhooks.refused')}>{formatNumber(source.refused)}</Figure>
        </SimpleGrid>
        {source.last_error && (
          <Text size="sm" c="dimmed">
            {t('providerWebhooks.lastError')} <RelativeTime at={source.last_error_at} />
            {!errorIsLast(source) && `: ${source.last_error}. ${t('providerWebhooks.errorEarlier')}`}
          </Text>
        )}
      </Stack>
    </Section>
  );
}

function Figure({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <Text component="dt" size="sm" c="dimmed">
        {label}
      </Text>
      <Text component="dd" m={0} fw={600}>
        {children}
      </Text>
    </div>
  );
}
