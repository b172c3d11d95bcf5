import { Button, SimpleGrid, Stack, TextInput } from '@mantine/core';
import { type UseFormReturnType, useForm } from '@mantine/form';
import { IconPlugConnected } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage, formPath, Problem } from '@/api/problem';
import type { RelayInput } from '@/api/types';
import { applyProblem, firstWrongField } from '@/lib/form-problem';
import { i18n } from '@/lib/i18n';
import { FormAlert } from '@/ui/form-alert';
import { Section } from '@/ui/section';
import { TestResult } from '@/ui/test-result';
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
        {test.data && (
          <TestResult
            result={test.data}
            steps={test.data.steps.map((step) => ({ ...step, title: t(`relays.test.step.${step.step}`) }))}
            notes={[test.data.tls, ...test.data.extensions]}
          />
        )}
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
