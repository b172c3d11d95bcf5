import { Badge, Button, Group, Modal, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Why, WhyEvidence } from '@/api/types';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { FormAlert } from '@/ui/form-alert';
import { LinkAnchor } from '@/ui/link';
import { whyQuery } from './queries';

type Props = {
  campaignId: number;
  /** The number or address to begin with; undefined asks for one. */
  who?: string | undefined;
  opened: boolean;
  onClose: () => void;
};

/** Why somebody got a campaign, or why not, with what there is for it. */
export function WhyDialog({ campaignId, who, opened, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={t('campaigns.why.title')} size="lg">
      <WhyForm key={who ?? ''} campaignId={campaignId} who={who} />
    </Modal>
  );
}

function WhyForm({ campaignId, who }: Pick<Props, 'campaignId' | 'who'>) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState(who);
  const why = useQuery({ ...whyQuery(campaignId, asked ?? ''), enabled: asked !== undefined });
  return (
    <Stack>
      {who === undefined && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (typed.trim() !== '') setAsked(typed.trim());
          }}
        >
          <Group align="flex-end" wrap="nowrap">
            <TextInput
              type="email"
              label={t('campaigns.why.find')}
              style={{ flex: 1 }}
              data-autofocus
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
            <Button type="submit" loading={why.isFetching}>
              {t('campaigns.why.search')}
            </Button>
          </Group>
        </form>
      )}
      {why.error ? (
        <FormAlert message={errorMessage(why.error)} />
      ) : why.data ? (
        <Answer why={why.data} />
      ) : (
        asked !== undefined && <Skeleton height={96} />
      )}
    </Stack>
  );
}

const tones = { in: 'green', out: 'red', absent: 'gray', waiting: 'gray' } as const;

function Answer({ why }: { why: Why }) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <div>
        <Group gap="xs" mb={4}>
          <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
            {why.email}
          </Text>
          <Badge color={tones[why.place]} variant="light">
            {t(`campaigns.why.${why.place}`)}
          </Badge>
        </Group>
        <Text>
          {why.words.charAt(0).toUpperCase()}
          {why.words.slice(1)}.
        </Text>
        {why.seq !== null && (
          <LinkAnchor
            to="/campaigns/$id/deliveries/$seq"
            params={{ id: String(why.campaign_id), seq: String(why.seq) }}
            className="link"
          >
            {t('campaigns.why.delivery')}
          </LinkAnchor>
        )}
      </div>
      {why.evidence ? <Evidence evidence={why.evidence} /> : <Text c="dimmed">{t('campaigns.why.gone')}</Text>}
    </Stack>
  );
}

function Evidence({ evidence }: { evidence: WhyEvidence }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  return (
    <Stack gap="sm" style={{ borderTop: '1px solid var(--app-border)', paddingTop: 12 }}>
      <Text size="sm" c="dimmed">
        {t('campaigns.why.asOf', { at: formatDateTime(evidence.at, timeZone) })}
      </Text>
      <Lists title={t('campaigns.why.lists')} lists={evidence.lists} />
      <Lists title={t('campaigns.why.excludedLists')} lists={evidence.excluded_lists} />
      {evidence.suppression && (
        <div>
          <Text>{t('campaigns.why.suppressed', { reason: t(`segments.reasons.${evidence.suppression.reason}`) })}</Text>
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            {evidence.suppression.detail}
          </Text>
        </div>
      )}
      {evidence.paused_until && (
        <Text>{t('campaigns.why.paused', { at: formatDateTime(evidence.paused_until, timeZone) })}</Text>
      )}
      {evidence.frequency && (
        <Text>
          {t('campaigns.why.frequency', {
            limit: t(evidence.frequency === 'weekly' ? 'campaigns.why.weekly' : 'campaigns.why.monthly'),
          })}
        </Text>
      )}
      {evidence.include.map((segment) => (
        <Segment key={segment.id} label={t('campaigns.why.include')} segment={segment} />
      ))}
      {evidence.exclude.map((segment) => (
        <Segment key={segment.id} label={t('campaigns.why.exclude')} segment={segment} />
      ))}
      {evidence.cap && (
        <Text>{t('campaigns.why.cap', { count: evidence.cap.mails, days: evidence.cap.days, got: evidence.got })}</Text>
      )}
    </Stack>
  );
}

function Lists({ title, lists }: { title: string; lists: WhyEvidence['lists'] }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  if (lists.length === 0) return null;
  return (
    <div>
      <Text size="sm" c="dimmed">
        {title}
      </Text>
      {lists.map((list) => (
        <Text key={list.list_id}>
          {list.name}:{' '}
          {list.status === null
            ? t('campaigns.why.notOn')
            : [
                list.status,
                list.source && t('campaigns.why.by', { source: list.source }),
                list.since && formatDateTime(list.since, timeZone),
              ]
                .filter(Boolean)
                .join(', ')}
        </Text>
      ))}
    </div>
  );
}

function Segment({ label, segment }: { label: string; segment: WhyEvidence['include'][number] }) {
  return (
    <div>
      <Mark meets={segment.meets}>
        <Text component="span">
          {label} “{segment.name}”
        </Text>
      </Mark>
      {segment.conditions.map((condition, index) => (
        <div key={index} style={{ paddingLeft: 26 }}>
          <Mark meets={condition.meets}>
            <Text component="span" size="sm">
              {condition.sentence}
            </Text>
          </Mark>
        </div>
      ))}
    </div>
  );
}

function Mark({ meets, children }: { meets: boolean; children: React.ReactNode }) {
  const { t } = useTranslation();
  const Icon = meets ? IconCheck : IconX;
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      <Icon
        size={18}
        color={meets ? 'var(--app-good)' : 'var(--app-bad)'}
        style={{ flexShrink: 0, marginTop: 2 }}
        aria-label={t(meets ? 'campaigns.why.meets' : 'campaigns.why.fails')}
      />
      <span style={{ overflowWrap: 'anywhere' }}>{children}</span>
    </Group>
  );
}
