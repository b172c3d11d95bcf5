import { Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconClock, IconWorld } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Campaign, Gate, Stats } from '@/api/types';
import { formatDateTime, formatNumber } from '@/lib/format';
import { isLive } from '@/lib/states';
import { useTimeZone } from '@/lib/time-zone';
import { BarList } from '@/ui/bar-list';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { gatesQuery } from './queries';
import { lateOf, wallText, windowWords } from './when';

type Props = { campaign: Campaign; stats: Stats };

/** When the mail of a campaign may go out, where that is not simply "now": local times, a sending window, and who waits for what. */
export function TimesCard({ campaign, stats }: Props) {
  const { t } = useTranslation();
  const local = campaign.local_at !== null;
  if (!local && !campaign.window) return null;
  return (
    <Paper p="md" component="section" aria-label={t('campaigns.times.title')}>
      <Stack gap="xs">
        {campaign.local_at && (
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <IconWorld size={18} color="var(--app-info)" style={{ flexShrink: 0, marginTop: 1 }} aria-hidden />
            <div>
              <Text fw={550}>{t('campaigns.times.local', { at: wallText(campaign.local_at) })}</Text>
              <Text size="sm" c="dimmed">
                {t(`campaigns.times.late.${lateOf(campaign)}`)} <Zones campaign={campaign} />
              </Text>
            </div>
          </Group>
        )}
        {campaign.window && (
          <Group gap="xs" wrap="nowrap" align="flex-start">
            <IconClock size={18} color="var(--app-info)" style={{ flexShrink: 0, marginTop: 1 }} aria-hidden />
            <Text>{t('campaigns.schedule.window', windowWords({ zone: '', ...campaign.window }))}</Text>
          </Group>
        )}
        {/* Without local times it is an A/B test that they wait for, which its own page tells. */}
        {local && stats.waiting > 0 && isLive(campaign.status) && (
          <Text className="tabular">
            {t('campaigns.times.waiting', { count: stats.waiting })}{' '}
            {stats.next_opens_at ? (
              <>
                {t('campaigns.times.next')}{' '}
                <strong>
                  <DateTime at={stats.next_opens_at} />
                </strong>{' '}
                (<RelativeTime at={stats.next_opens_at} />
                ).
              </>
            ) : (
              t('campaigns.times.nextUnknown')
            )}
          </Text>
        )}
        {local && <Gates campaign={campaign} live={isLive(campaign.status)} />}
      </Stack>
    </Paper>
  );
}

/** How many people were put into a zone that they do not say themselves. */
function Zones({ campaign }: { campaign: Campaign }) {
  const { t } = useTranslation();
  const { zones_missing: missing, zones_invalid: invalid } = campaign;
  return [
    missing > 0 && t('campaigns.times.missing', { count: missing }),
    invalid > 0 && t('campaigns.times.invalid', { count: invalid }),
  ]
    .filter(Boolean)
    .join(' ');
}

const REFRESH_MS = 10_000;
const FIRST = 4;

function Gates({ campaign, live }: { campaign: Campaign; live: boolean }) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const [all, setAll] = useState(false);
  const query = useQuery({ ...gatesQuery(campaign.id), refetchInterval: live ? REFRESH_MS : false });
  const gates = query.data?.items ?? [];
  if (gates.length === 0) return null;
  const waiting = gates.filter((gate) => !gate.opened_at);
  const shown = all ? gates : waiting.slice(0, FIRST);
  const label = (gate: Gate) => {
    const at = gate.opens_at ?? gate.expected_at;
    return at ? formatDateTime(at, timeZone) : gate.note;
  };
  return (
    <>
      {shown.length > 0 && (
        <BarList
          label={t('campaigns.times.gates')}
          items={shown.map((gate) => ({
            key: gate.gate,
            label: label(gate),
            value: gate.people,
            text: [formatNumber(gate.people), t(`campaigns.times.${gate.opened_at ? 'open' : 'waits'}`)].join(' · '),
          }))}
        />
      )}
      {gates.length > shown.length || all ? (
        <Group>
          <Button size="compact-sm" variant="subtle" onClick={() => setAll(!all)} aria-expanded={all}>
            {all ? t('campaigns.times.fewer') : t('campaigns.times.all', { count: gates.length })}
          </Button>
        </Group>
      ) : null}
    </>
  );
}
