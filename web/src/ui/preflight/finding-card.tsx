import { Badge, Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconBulb, IconCheck, IconInfoCircle, IconOctagon } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Finding, FindingPlace } from '@/api/types';
import { LinkAnchor } from '@/ui/link';
import { remedyOf } from './findings';

const icons = { blocking: IconOctagon, warning: IconAlertTriangle, info: IconInfoCircle };
const colors = { blocking: 'var(--app-bad)', warning: 'var(--app-warn)', info: 'var(--app-info)' };
const FEW = 4;

type Props = {
  finding: Finding;
  /** The campaign in which it is mended; without one there are no ways to parts of a campaign. */
  campaignId?: number | undefined;
  /** Lines of what is sent are lines of what was written. */
  exactLines?: boolean;
  /** Places and people are left out, where there is little room. */
  short?: boolean;
  /** Notes that somebody has seen a warning. */
  onAcknowledge?: (() => void) | undefined;
  busy?: boolean;
  /** Told when somebody follows a way to where it is mended. */
  onLeave?: (() => void) | undefined;
};

/** One thing that a check found: what it is, why it matters, what to do, and where. */
export function FindingCard({ finding, campaignId, exactLines, short, onAcknowledge, busy, onLeave }: Props) {
  const { t } = useTranslation();
  const Icon = icons[finding.severity];
  return (
    <Group component="li" gap="sm" wrap="nowrap" align="flex-start" style={{ listStyle: 'none' }}>
      <Icon size={18} color={colors[finding.severity]} style={{ flexShrink: 0, marginTop: 2 }} aria-hidden />
      <Stack gap={4} style={{ flex: 1, minWidth: 0 }}>
        <Group gap="xs">
          <Text fw={600}>{finding.title}</Text>
          {!short && finding.where.length > 1 && (
            <Badge variant="default">{t('preflight.places', { count: finding.count })}</Badge>
          )}
        </Group>
        {finding.detail && <Text style={{ overflowWrap: 'anywhere' }}>{finding.detail}</Text>}
        {short ? <FirstPlace places={finding.where} /> : <Places places={finding.where} exactLines={exactLines} />}
        {!short && finding.people.length > 0 && <People ids={finding.people} />}
        {finding.remedy && (
          <Group gap={6} wrap="nowrap" align="flex-start">
            <IconBulb size={16} color="var(--app-good)" style={{ flexShrink: 0, marginTop: 2 }} aria-hidden />
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {finding.remedy}
            </Text>
          </Group>
        )}
        <Group gap="sm" mt={2}>
          <MendLink finding={finding} campaignId={campaignId} onLeave={onLeave} />
          {finding.severity === 'warning' && finding.acknowledged && (
            <Group gap={4} c="var(--app-good)" fz="sm">
              <IconCheck size={15} aria-hidden />
              {t('preflight.acknowledged')}
            </Group>
          )}
          {finding.severity === 'warning' && !finding.acknowledged && onAcknowledge && (
            <Button
              size="compact-sm"
              variant="default"
              disabled={busy ?? false}
              aria-label={t('preflight.acknowledgeOf', { title: finding.title })}
              onClick={onAcknowledge}
            >
              {t('preflight.acknowledge')}
            </Button>
          )}
        </Group>
      </Stack>
    </Group>
  );
}

function MendLink({ finding, campaignId, onLeave }: Pick<Props, 'finding' | 'campaignId' | 'onLeave'>) {
  const { t } = useTranslation();
  const remedy = remedyOf(finding);
  if (!remedy) return null;
  const words = { children: t(`preflight.mend.${remedy}`), className: 'link', fz: 'sm', onClick: () => onLeave?.() };
  if (remedy === 'domains') return <LinkAnchor to="/domains" {...words} />;
  if (remedy === 'settings') return <LinkAnchor to="/settings" {...words} />;
  if (remedy === 'relays') return <LinkAnchor to="/relays" {...words} />;
  if (campaignId === undefined) return null;
  return (
    <LinkAnchor
      to="/campaigns/$id"
      params={{ id: String(campaignId) }}
      search={remedy === 'content' ? { tab: 'content' } : {}}
      {...words}
    />
  );
}

function FirstPlace({ places }: { places: FindingPlace[] }) {
  const first = places[0];
  const said = first && [first.selector, first.note].filter(Boolean).join(': ');
  if (!said) return null;
  return (
    <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
      {said}
    </Text>
  );
}

function Places({ places, exactLines = false }: { places: FindingPlace[]; exactLines?: boolean | undefined }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const telling = places.filter((place) => place.line > 0 || place.selector || place.note);
  if (telling.length === 0) return null;
  const shown = all ? telling : telling.slice(0, FEW);
  return (
    <div style={{ background: 'var(--app-sunken)', borderRadius: 'var(--mantine-radius-md)', padding: '6px 10px' }}>
      <ul style={{ margin: 0, padding: 0, listStyle: 'none' }} aria-label={t('preflight.where')}>
        {shown.map((place) => (
          <li key={`${place.part} ${place.line} ${place.selector} ${place.note}`} style={{ overflowWrap: 'anywhere' }}>
            <Text size="sm" component="span" c="dimmed">
              <PartName part={place.part} />
              {place.line > 0 && ` · ${t(exactLines ? 'preflight.line' : 'preflight.lineSent', { line: place.line })}`}
            </Text>{' '}
            {place.selector && <code className="mono">{place.selector}</code>}{' '}
            {place.note && (
              <Text size="sm" component="span">
                {place.note}
              </Text>
            )}
          </li>
        ))}
      </ul>
      {!all && telling.length > FEW && (
        <Button size="compact-xs" variant="subtle" onClick={() => setAll(true)}>
          {t('preflight.morePlaces', { count: telling.length - FEW })}
        </Button>
      )}
    </div>
  );
}

const parts = [
  'html',
  'text',
  'subject',
  'preheader',
  'headers',
  'from_email',
  'from_name',
  'reply_to',
  'list_ids',
  'relay_ids',
  'public_url',
  'tracking_url',
] as const;

function PartName({ part }: { part: string }) {
  const { t } = useTranslation();
  const known = parts.find((one) => one === part);
  return known ? t(`preflight.parts.${known}`) : part.replaceAll('_', ' ');
}

function People({ ids }: { ids: number[] }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" fz="sm">
      <Text size="sm" c="dimmed">
        {t('preflight.people')}
      </Text>
      {ids.map((id) => (
        <LinkAnchor key={id} to="/subscribers/$id" params={{ id: String(id) }} className="link" fz="sm">
          {t('preflight.person', { id })}
        </LinkAnchor>
      ))}
    </Group>
  );
}
