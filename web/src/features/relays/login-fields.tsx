import { Anchor, Code, PasswordInput, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Provider, Relay, RelayInput } from '@/api/types';
import { Section } from '@/ui/section';

type Props = { form: UseFormReturnType<RelayInput>; relay: Relay | undefined; provider: Provider | undefined };

const methods = ['auto', 'plain', 'login', 'cram-md5', 'scram-sha-1', 'scram-sha-256', 'xoauth2', 'none'] as const;

export function LoginFields({ form, relay, provider }: Props) {
  const { t } = useTranslation();
  const { auth } = form.values;
  return (
    <Section title={t('relays.login')}>
      <Stack>
        <Select
          label={t('relays.auth')}
          allowDeselect={false}
          maw={320}
          data={methods.map((method) => ({ value: method, label: t(`relays.authKind.${method}`) }))}
          {...form.getInputProps('auth')}
        />
        {auth !== 'none' && (
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput
              label={t('relays.username')}
              description={provider?.username_hint}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              autoComplete="off"
              {...form.getInputProps('username')}
            />
            {auth !== 'xoauth2' && (
              <Secret
                form={form}
                name="password"
                label={t('relays.password')}
                description={relay?.has_password ? t('relays.passwordKept') : provider?.password_hint}
              />
            )}
          </SimpleGrid>
        )}
        {auth === 'xoauth2' && <OAuthFields form={form} relay={relay} provider={provider} />}
      </Stack>
    </Section>
  );
}

type SecretProps = {
  form: Props['form'];
  name: 'password' | 'oauth_client_secret' | 'oauth_refresh_token';
  label: string;
  description: string | undefined;
};

function Secret({ form, name, label, description }: SecretProps) {
  const { t } = useTranslation();
  return (
    <PasswordInput
      label={label}
      description={description}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      autoComplete="new-password"
      visibilityToggleButtonProps={{ 'aria-label': t('relays.show', { what: label }) }}
      {...form.getInputProps(name)}
    />
  );
}

function OAuthFields({ form, relay, provider }: Props) {
  const { t } = useTranslation();
  const oauth = provider?.oauth;
  return (
    <>
      <Text size="sm" c="dimmed">
        {t('relays.oauth.text')}{' '}
        {oauth && (
          <>
            {t('relays.oauth.scope')} <Code style={{ overflowWrap: 'anywhere' }}>{oauth.scope}</Code>{' '}
            <Anchor href={oauth.docs} target="_blank" rel="noreferrer" inherit underline="always">
              {t('relays.oauth.docs')}
            </Anchor>
          </>
        )}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput label={t('relays.oauth.clientId')} autoComplete="off" {...form.getInputProps('oauth_client_id')} />
        <Secret
          form={form}
          name="oauth_client_secret"
          label={t('relays.oauth.clientSecret')}
          description={relay?.has_oauth_client_secret ? t('relays.oauth.kept') : t('relays.oauth.clientSecretHint')}
        />
        <Secret
          form={form}
          name="oauth_refresh_token"
          label={t('relays.oauth.refreshToken')}
          description={relay?.has_oauth_refresh_token ? t('relays.oauth.kept') : t('relays.oauth.refreshTokenHint')}
        />
        <TextInput
          label={t('relays.oauth.tokenUrl')}
          placeholder="https://"
          autoComplete="off"
          {...form.getInputProps('oauth_token_url')}
        />
      </SimpleGrid>
    </>
  );
}
