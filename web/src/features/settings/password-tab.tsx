import { Button, Group, PasswordInput, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { notifySuccess } from '@/ui/notify';
import { Section } from '@/ui/section';
import { changePassword } from './queries';

const MIN_PASSWORD = 10;

export function PasswordTab() {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({
    initialValues: { current: '', new: '' },
    validate: {
      new: (value) => (value.length < MIN_PASSWORD ? t('auth.passwordShort', { count: MIN_PASSWORD }) : null),
    },
  });
  const change = useMutation({
    mutationFn: changePassword,
    onMutate: () => setProblem(null),
    onSuccess: () => {
      form.reset();
      notifySuccess(t('settings.password.changed'));
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  const toggle = { 'aria-label': t('auth.showPassword') };
  return (
    <div style={{ maxWidth: 480 }}>
      <Section title={t('settings.password.title')}>
        <form onSubmit={form.onSubmit((values) => change.mutate(values))}>
          <Stack>
            <FormAlert message={problem} />
            <PasswordInput
              label={t('settings.password.current')}
              autoComplete="current-password"
              required
              visibilityToggleButtonProps={toggle}
              {...form.getInputProps('current')}
            />
            <PasswordInput
              label={t('settings.password.new')}
              description={t('auth.passwordHint', { count: MIN_PASSWORD })}
              autoComplete="new-password"
              required
              visibilityToggleButtonProps={toggle}
              {...form.getInputProps('new')}
            />
            <Group justify="flex-end">
              <Button type="submit" loading={change.isPending}>
                {t('settings.password.change')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Section>
    </div>
  );
}
