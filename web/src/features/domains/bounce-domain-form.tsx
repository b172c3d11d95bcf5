import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Domain } from '@/api/types';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { Section } from '@/ui/section';
import { domainInput, keepDomain, updateDomain } from './queries';

export function BounceDomainForm({ domain }: { domain: Domain }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({ initialValues: { bounce_domain: domain.bounce_domain ?? '' } });
  const save = useMutation({
    mutationFn: (values: typeof form.values) =>
      updateDomain({ id: domain.id, ...domainInput(domain), bounce_domain: values.bounce_domain.trim() || null }),
    onMutate: () => setProblem(null),
    onSuccess: (saved) => {
      form.resetDirty();
      keepDomain(queryClient, saved);
      notifySuccess(t('common.saved'));
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <Section
      title={t('domains.bounces')}
      description={t('domains.bouncesText', { name: domain.bounce_domain ?? `bounce.${domain.domain}` })}
    >
      <form onSubmit={form.onSubmit((values) => save.mutate(values))}>
        <Stack>
          <FormAlert message={problem} />
          <Group align="flex-end" gap="xs">
            <TextInput
              label={t('domains.bounceDomain')}
              description={t('domains.bounceHint')}
              placeholder={`bounce.${domain.domain}`}
              w={{ base: '100%', xs: 380 }}
              {...form.getInputProps('bounce_domain')}
            />
            <Button type="submit" variant="default" disabled={!form.isDirty()} loading={save.isPending}>
              {t('common.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
