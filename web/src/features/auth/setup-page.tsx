import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { applyProblem } from '@/lib/form-problem';
import { FormAlert } from '@/ui/form-alert';
import { AuthFrame } from './auth-frame';
import { meQuery, setUp } from './queries';

/** The shortest password the server takes. */
const MIN_PASSWORD = 10;

export function SetupPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const form = useForm({
    initialValues: { organization: '', name: '', email: '', password: '' },
    validate: {
      password: (value) => (value.length < MIN_PASSWORD ? t('auth.passwordShort', { count: MIN_PASSWORD }) : null),
    },
  });
  const create = useMutation({
    mutationFn: setUp,
    onMutate: () => setProblem(null),
    onSuccess: async (me) => {
      queryClient.setQueryData(meQuery.queryKey, me);
      await navigate({ to: '/' });
    },
    onError: (error) => setProblem(applyProblem(form, error)),
  });
  return (
    <AuthFrame title={t('auth.setup')} text={t('auth.setupText')}>
      <form onSubmit={form.onSubmit((values) => create.mutate(values))}>
        <Stack>
          <FormAlert message={problem} />
          <TextInput
            label={t('auth.organization')}
            description={t('auth.organizationHint')}
            autoComplete="organization"
            required
            {...form.getInputProps('organization')}
          />
          <TextInput label={t('auth.name')} autoComplete="name" required {...form.getInputProps('name')} />
          <TextInput
            label={t('auth.email')}
            type="email"
            autoComplete="username"
            required
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label={t('auth.password')}
            description={t('auth.passwordHint', { count: MIN_PASSWORD })}
            autoComplete="new-password"
            required
            visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
            {...form.getInputProps('password')}
          />
          <Button type="submit" fullWidth loading={create.isPending}>
            {t('auth.create')}
          </Button>
        </Stack>
      </form>
    </AuthFrame>
  );
}
