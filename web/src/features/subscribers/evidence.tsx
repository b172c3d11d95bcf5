import { Button, Popover, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Consent } from '@/api/types';
import { LinkAnchor } from '@/ui/link';
import { DateTime } from '@/ui/relative-time';

const known = ['ip', 'user_agent', 'form', 'text', 'page', 'note'] as const;

/** What is known of how a consent was given, behind a button. */
export function EvidenceButton({ consent, name }: { consent: Consent; name: string }) {
  const { t } = useTranslation();
  return (
    <Popover width={320} position="bottom-start" shadow="md" withinPortal>
      <Popover.Target>
        <Button size="compact-xs" variant="default" aria-label={t('subscribers.evidenceOf', { name })}>
          {t('subscribers.evidence')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <EvidenceFacts consent={consent} />
      </Popover.Dropdown>
    </Popover>
  );
}

export function EvidenceFacts({ consent }: { consent: Consent }) {
  const { t } = useTranslation();
  const facts = known.flatMap((key) => {
    const value = consent.evidence?.[key];
    return value ? [{ key, value }] : [];
  });
  return (
    <Stack gap={6}>
      <Fact label={t('subscribers.evidenceField.source')}>
        {consent.source} · <DateTime at={consent.since} />
        {consent.until && (
          <>
            {' '}
            {t('subscribers.until')} <DateTime at={consent.until} />
          </>
        )}
      </Fact>
      {consent.import_id !== null && (
        <Fact label={t('subscribers.evidenceField.import')}>
          <LinkAnchor to="/imports/$id" params={{ id: String(consent.import_id) }} className="link" size="sm">
            {consent.import || consent.import_id}
          </LinkAnchor>
        </Fact>
      )}
      {facts.map(({ key, value }) => (
        <Fact key={key} label={t(`subscribers.evidenceField.${key}`)}>
          {value}
        </Fact>
      ))}
      {facts.length === 0 && consent.import_id === null && (
        <Text size="sm" c="dimmed">
          {t('subscribers.evidenceNone')}
        </Text>
      )}
    </Stack>
  );
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
        {children}
      </Text>
    </div>
  );
}
