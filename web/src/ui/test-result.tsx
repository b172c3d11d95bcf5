import { Alert, Group, Stack, Text, Timeline } from '@mantine/core';
import { IconBulb, IconCheck, IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '@/lib/format';

type Props = {
  result: { ok: boolean; remedy: string | null; provider?: string | null };
  steps: { step: string; title: string; ok: boolean; detail: string; ms: number }[];
  notes: (string | null | undefined)[];
};

/** How far the test of a server came, step by step with its own words, and what to do about the step that failed. */
export function TestResult({ result, steps, notes }: Props) {
  const { t } = useTranslation();
  const said = notes.filter(Boolean);
  return (
    <Stack role="status">
      <Text fw={600} c={result.ok ? 'var(--app-good)' : 'var(--app-bad)'}>
        {result.ok ? t('relays.test.ok') : t('relays.test.failed')}
      </Text>
      <Timeline bulletSize={26} lineWidth={2} color="gray">
        {steps.map((step) => (
          <Timeline.Item
            key={step.step}
            bullet={
              step.ok ? <IconCheck size={15} color="var(--app-good)" /> : <IconX size={15} color="var(--app-bad)" />
            }
            title={
              <Group gap="xs">
                <span>{step.title}</span>
                <Text size="sm" c="dimmed" className="tabular">
                  {t('relays.test.ms', { ms: formatNumber(step.ms) })}
                </Text>
              </Group>
            }
          >
            <Text className="mono" style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
              {step.detail}
            </Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {result.remedy && (
        <Alert
          variant="default"
          icon={<IconBulb color="var(--app-warn)" />}
          title={result.provider ? t('relays.test.remedyFor', { name: result.provider }) : t('relays.test.remedy')}
        >
          {result.remedy}
        </Alert>
      )}
      {said.length > 0 && (
        <Text size="sm" c="dimmed">
          {said.join(' · ')}
        </Text>
      )}
    </Stack>
  );
}
