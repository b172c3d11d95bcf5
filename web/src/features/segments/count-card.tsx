import { Skeleton, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { SegmentCount, SegmentPerson } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { LinkAnchor } from '@/ui/link';
import { Section } from '@/ui/section';
import { StackedBar } from '@/ui/stacked-bar';
import { countQuery, sampleQuery } from './queries';

/** How long somebody must pause before the server is asked. */
const PAUSE_MS = 300;

/** How many people a definition means at this moment, and some of them. */
export function CountCard({ definition, complete }: { definition: string; complete: boolean }) {
  const { t } = useTranslation();
  const [asked] = useDebouncedValue(definition, PAUSE_MS);
  const enabled = complete && asked === definition;
  const count = useQuery({ ...countQuery(asked), enabled });
  const sample = useQuery({ ...sampleQuery(asked), enabled });
  const stale = !enabled || count.isPlaceholderData;
  return (
    <Section title={t('segments.counted')}>
      <div aria-live="polite" aria-busy={stale && complete}>
        {!complete ? (
          <Text c="dimmed">{t('segments.incomplete')}</Text>
        ) : count.error ? (
          <Text c="var(--app-bad)">{errorMessage(count.error)}</Text>
        ) : count.data ? (
          <Stack gap="md" style={{ opacity: stale ? 0.55 : 1 }}>
            <Figure count={count.data} />
            <Text size="sm">{count.data.sentence}.</Text>
            {sample.data && <People people={sample.data.items} />}
          </Stack>
        ) : (
          <Skeleton height={72} />
        )}
      </div>
    </Section>
  );
}

function Figure({ count }: { count: SegmentCount }) {
  const { t } = useTranslation();
  return (
    <div>
      <Text fz={28} fw={650} className="tabular" data-testid="segment-count">
        {t(count.exact ? 'segments.exactly' : 'segments.about', { number: formatNumber(count.count) })}
      </Text>
      <Text size="sm" c="dimmed" mb={8}>
        {t('segments.of', { total: formatNumber(count.of), count: count.of })}
        {!count.exact && ` ${t('segments.between', { low: formatNumber(count.low), high: formatNumber(count.high) })}`}
      </Text>
      <StackedBar
        label={t('segments.share')}
        thin
        total={Math.max(count.of, 1)}
        done={count.count}
        parts={[{ key: 'in', label: t('segments.people'), value: count.count, color: 'var(--app-info)' }]}
      />
    </div>
  );
}

function People({ people }: { people: SegmentPerson[] }) {
  const { t } = useTranslation();
  if (people.length === 0) return null;
  return (
    <div>
      <Text size="sm" c="dimmed" mb={4}>
        {t('segments.sample')}
      </Text>
      <Stack gap={6} component="ul" style={{ listStyle: 'none', padding: 0, margin: 0 }}>
        {people.map((person) => (
          <li key={person.id} style={{ overflowWrap: 'anywhere' }}>
            <LinkAnchor to="/subscribers/$id" params={{ id: String(person.id) }} className="link" target="_blank">
              {person.email}
            </LinkAnchor>
            {person.name && (
              <Text size="sm" c="dimmed" component="span">
                {' '}
                {person.name}
              </Text>
            )}
          </li>
        ))}
      </Stack>
    </div>
  );
}
