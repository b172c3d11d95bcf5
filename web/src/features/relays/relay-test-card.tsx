import { Alert, Button, Group, SimpleGrid, Stack, Text, TextInput, Timeline } from '@mantine/core';
import { type UseFormReturnType, useForm } from '@mantine/form';
import { IconBulb, IconCheck, IconPlugConnected, IconX } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage, formPath, Problem } from '@/api/problem';
import type { RelayInput, RelayTest } from '@/api/types';
import { applyProblem, firstWrongField } from '@/lib/form-problem';
import { formatNumber } from '@/lib/format';
import { i18n } from '@/lib/i18n';
import { FormAlert } from '@/ui/form-alert';
import { Section } from '@/ui/section';
import { testRelay, testRelayInput } from './queries';
import { hasSecret, submitted } from './relay-form';

type Props = { form: UseFormReturnType<RelayInput>; relayId: number | undefined };

const addressFields = ['from', 'to'] as const;

/**
 * Tries the connection step by step with what stands in the form. Without a secret in the form a stored relay is tried as it was saved,
 * because the stored one never comes to the browser. What is wrong with the form is shown at its fields, and the first of them comes into view.
 */
export function RelayTestCard({ form, relayId }: Props) {
  const { t } = useTranslation();
  const addresses = useForm({ initialValues: { from: '', to: '' } });
  const [problem, setProblem] = useState<string | null>(null);
  const input = form.values;
  const stored = relayId !== undefined && !hasSecret(input);
  const test = useMutation({
    mutationFn: () => {
      const { from, to } = addresses.getValues();
      const named = { ...(from && { from }), ...(to && { to }) };
      return stored ? testRelay({ id: relayId, ...named }) : testRelayInput({ ...submitted(input), ...named });
    },
    onMutate: () => {
      setProblem(null);
      form.clearErrors();
      addresses.clearErrors();
    },
    onError: (error) => setProblem(showProblem(error, form, addresses)),
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
            {...addresses.getInputProps('from')}
          />
          <TextInput
            type="email"
            label={t('relays.test.to')}
            description={t('relays.test.toHint')}
            {...addresses.getInputProps('to')}
          />
        </SimpleGrid>
        <FormAlert message={problem} />
        {test.data && <Result result={test.data} />}
      </Stack>
    </Section>
  );
}

/** Puts the objections at their fields, above and in this card, and gives what is left to say. */
function showProblem(
  error: unknown,
  form: UseFormReturnType<RelayInput>,
  addresses: UseFormReturnType<{ from: string; to: string }>,
): string | null {
  if (!(error instanceof Problem)) return errorMessage(error);
  const fields = error.fieldErrors;
  const here = addressFields.filter((name) => fields[name]);
  addresses.setErrors(Object.fromEntries(here.map((name) => [name, fields[name]])));
  const rest = error.errors.filter((one) => !here.some((name) => formPath(one.location) === name));
  const others = new Problem(error.status, { detail: error.detail, errors: rest });
  const left = here.length > 0 && rest.length === 0 ? null : applyProblem(form, others);
  const first = firstWrongField(form, error);
  // After the errors are drawn: the field may be far up the page.
  requestAnimationFrame(() => {
    const node = first ? form.getInputNode(first) : here[0] && addresses.getInputNode(here[0]);
    node?.focus();
  });
  return left ?? (first ? i18n.t('relays.test.wrongFields') : null);
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
        <Alert
          variant="default"
          icon={<IconBulb color="var(--app-warn)" />}
          title={result.provider ? t('relays.test.remedyFor', { name: result.provider }) : t('relays.test.remedy')}
        >
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
