import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Domain, SendingPlan } from '@/api/types';
import { applyProblem, firstWrongField } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { SaveGuard } from '@/ui/save-guard';
import { untilMidnight } from '@/ui/sending-plan/sending-window';
import { WarmupFields } from '@/ui/sending-plan/warmup-fields';
import { WindowFields } from '@/ui/sending-plan/window-fields';
import { DomainPaceCard } from './domain-pace';
import { domainInput, keepDomain, updateDomain } from './queries';

const planOf = ({ window, warmup }: Domain): SendingPlan => ({ window: window && untilMidnight(window), warmup });

/** When, and how much in a day, may be sent from the domain. */
export function DomainPlanForm({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm<SendingPlan>({ initialValues: planOf(domain) });
  const save = useMutation({
    mutationFn: (plan: SendingPlan) => updateDomain({ id: domain.id, ...domainInput(domain), ...plan }),
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      form.setValues(planOf(saved));
      form.resetDirty(planOf(saved));
      keepDomain(queryClient, saved);
      notifySuccess(t('common.saved'));
    },
    onError: (error) => {
      setProblem(applyProblem(form, error));
      const wrong = firstWrongField(form, error);
      // After the errors are drawn: the field may be far down the page.
      if (wrong) requestAnimationFrame(() => form.getInputNode(wrong)?.focus());
    },
  });
  return (
    <Stack component="section" gap="sm" maw={860} aria-label={t('domains.pace.how')}>
      <div>
        <Title order={2}>{t('domains.pace.how')}</Title>
        <Text size="sm" c="dimmed">
          {t('domains.pace.text')}
        </Text>
      </div>
      <SaveGuard dirty={form.isDirty() && !save.isPending} />
      {(domain.warmup || domain.window) && <DomainPaceCard domain={domain} />}
      <form onSubmit={form.onSubmit((plan) => save.mutate(plan))}>
        <Stack gap="sm">
          <FormAlert message={problem} />
          <WindowFields form={form} />
          <WarmupFields form={form} />
          <Group justify="flex-end">
            <Button type="submit" variant="default" disabled={!form.isDirty()} loading={save.isPending}>
              {t('domains.pace.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Stack>
  );
}
