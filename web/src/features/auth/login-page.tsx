import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Problem } from '@/api/problem';
import { FormAlert } from '@/ui/form-alert';
import { AuthFrame } from './auth-frame';
import { logIn, meQuery } from './queries';

export function LoginPage() {
  const { t } = useTranslation();
  const router = useRouter();
  const { next } = useSearch({ from: '/login' });
  const queryClient = useQueryClient();
  const form = useForm({ initialValues: { email: '', password: '' } });
  const enter = useMutation({
    mutationFn: logIn,
    onSuccess: (me) => {
      queryClient.setQueryData(meQuery.queryKey, me);
      router.history.push(next ?? '/');
    },
  });
  const wrong = enter.error instanceof Problem && enter.error.status === 401;
  return (
    <AuthFrame title={t('auth.logIn')} text={t('auth.logInText')}>
      <form onSubmit={form.onSubmit((values) => enter.mutate(values))}>
        <Stack>
          {enter.error && <FormAlert message={wrong ? t('auth.wrong') : enter.error.message} />}
          <TextInput
            label={t('auth.email')}
            type="email"
            autoComplete="username"
            required
            data-autofocus
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label={t('auth.password')}
            autoComplete="current-password"
            required
            visibilityToggleButtonProps={{ 'aria-label': t('auth.showPassword') }}
            {...form.getInputProps('password')}
          />
          <Button type="submit" fullWidth loading={enter.isPending}>
            {t('auth.logIn')}
          </Button>
        </Stack>
      </form>
    </AuthFrame>
  );
}
