import { Button, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconPlugConnected } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MailboxInput } from '@/api/types';
import { applyProblem, firstWrongField } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { Section } from '@/ui/section';
import { TestResult } from '@/ui/test-result';
import { hasSecret, submitted } from './mailbox-form';
import { testMailbox, testMailboxInput } from './queries';

type Props = { form: UseFormReturnType<MailboxInput>; mailboxId: number | undefined };

/**
 * Tries the connection step by step with what stands in the form. Without a secret in the form a stored mailbox is tried as it was saved, because the
 * stored one never comes to the browser.
 */
export function MailboxTestCard({ form, mailboxId }: Props) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<string | null>(null);
  const stored = mailboxId !== undefined && !hasSecret(form.values);
  const test = useMutation({
    mutationFn: () => (stored ? testMailbox(mailboxId) : testMailboxInput(submitted(form.values))),
    onMutate: () => {
      setProblem(null);
      form.clearErrors();
    },
    onError: (error) => {
      const left = applyProblem(form, error);
      const wrong = firstWrongField(form, error);
      setProblem(left ?? (wrong ? t('relays.test.wrongFields') : null));
      // After the errors are drawn: the field may be far up the page.
      if (wrong) requestAnimationFrame(() => form.getInputNode(wrong)?.focus());
    },
  });
  return (
    <Section
      title={t('relays.test.title')}
      description={stored ? t('mailboxes.test.stored') : t('mailboxes.test.text')}
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
        <FormAlert message={problem} />
        {test.data && (
          <TestResult
            result={test.data}
            steps={test.data.steps.map((step) => ({ ...step, title: t(`mailboxes.test.step.${step.step}`) }))}
            notes={test.data.notes}
          />
        )}
      </Stack>
    </Section>
  );
}
