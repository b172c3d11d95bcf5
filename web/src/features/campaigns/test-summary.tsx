import { Badge, Group, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Campaign } from '@/api/types';
import { EVERYBODY, letter, ownWords, peopleOf, waitOf } from './variants';

type Props = { campaign: Pick<Campaign, 'subject' | 'ab_test'>; people: number | null };

/** What a test that is about to start sends to whom, when it is decided, and what comes without a winner. */
export function TestSummary({ campaign, people }: Props) {
  const { t } = useTranslation();
  const test = campaign.ab_test;
  if (!test) return null;
  const each = people === null ? null : peopleOf(people, test.sample_percent, test.variants.length);
  const wait = waitOf(test.wait_minutes);
  return (
    <Stack gap="xs" component="section" aria-label={t('campaigns.ab.tab')}>
      {test.variants.map((variant, index) => (
        <Group key={letter(index + 1)} gap="xs" wrap="nowrap" align="flex-start">
          <Badge variant="default" style={{ flexShrink: 0 }} mt={2}>
            {letter(index + 1)}
          </Badge>
          <div style={{ minWidth: 0 }}>
            <Text fw={550} style={{ overflowWrap: 'anywhere' }}>
              {ownWords(variant, campaign.subject) || t('editor.noSubject')}
            </Text>
            {each !== null && (
              <Text size="sm" c="dimmed" className="tabular">
                {t('campaigns.ab.eachGets', { count: each })}
              </Text>
            )}
          </div>
        </Group>
      ))}
      <Text size="sm">
        {test.sample_percent === EVERYBODY
          ? t('campaigns.ab.startAll')
          : t('campaigns.ab.startRest', {
              wait: `${wait.value} ${t(`campaigns.ab.units.${wait.unit}`)}`,
              metric: t(`campaigns.ab.metrics.${test.metric}`).toLocaleLowerCase(),
            })}{' '}
        {test.sample_percent !== EVERYBODY && t(`campaigns.ab.startWithout.${test.no_winner}`)}
      </Text>
    </Stack>
  );
}
