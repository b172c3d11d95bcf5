import { Alert, Button, Group, SimpleGrid, Stack, Text, TextInput, Timeline } from '@mantine/core';
import { IconCheck, IconPlugConnected, IconX } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { RelayInput, RelayTest } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { FormAlert } from '@/ui/form-alert';
import { Section } from '@/ui/section';
import { testRelay, testRelayInput } from './queries';
import { submitted } from './relay-form';

type Props = { input: RelayInput; relayId: number | undefined };

/**
 * Tries the connection step by step with what stands in the form. Without a password in the form a stored relay is tried as it was saved,
 * because the stored password never comes to the browser.
 */
export function RelayTestCard({ input, relayId }: Props) {
  const { t } = useTranslation();
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const addresses = { ...(from && { from }), ...(to && { to }) };
  const stored = relayId !== undefined && !input.password;
  const test = useMutation({
    mutationFn: () =>
      stored ? testRelay({ id: relayId, ...addresses }) : testRelayInput({ ...submitted(input), ...addresses }),
  });
  return (
    <Section
      title={t('relays.test.title')}
      description={stored ? t('relays.test.stored') : t('relays.test.text')}
      actions={
        <Button
          variant="default"
          leftSection={<IconPlugConnected size={16} />}
          loading={test.isPending}
          onClick={() => test.mutate()}
        >
          {t('relays.test.run')}
        </Button>
      }
    >
      <Stack>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            type="email"
            label={t('relays.test.from')}
            description={t('relays.test.fromHint')}
            value={from}
            onChange={(event) => setFrom(event.currentTarget.value)}
          />
          <TextInput
            type="email"
            label={t('relays.test.to')}
            description={t('relays.test.toHint')}
            value={to}
            onChange={(event) => setTo(event.currentTarget.value)}
          />
        </SimpleGrid>
        {test.error && <FormAlert message={errorMessage(test.error)} />}
        {test.data && <Result result={test.data} />}
      </Stack>
    </Section>
  );
}

function Result({ result }: { result: RelayTest }) {
  const { t } = useTranslation();
  return (
    <Stack role="status">
      <Text fw={600} c={result.ok ? 'var(--app-good)' : 'var(--app-bad)'}>
        {result.ok ? t('relays.test.ok') : t('relays.test.failed')}
      </Text>
      <Timeline bulletSize={26} lineWidth={2} color="gray">
        {result.steps.map((step) => (
          <Timeline.Item
            key={step.step}
            bullet={
              step.ok ? <IconCheck size={15} color="var(--app-good)" /> : <IconX size={15} color="var(--app-bad)" />
            }
            title={
              <Group gap="xs">
                <span>{t(`relays.test.step.${step.step}`)}</span>
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
        <Alert variant="default" title={t('relays.test.remedy')}>
          {result.remedy}
        </Alert>
      )}
      {(result.tls || result.extensions.length > 0) && (
        <Text size="sm" c="dimmed">
          {[result.tls, ...result.extensions].filter(Boolean).join(' · ')}
        </Text>
      )}
    </Stack>
  );
}
