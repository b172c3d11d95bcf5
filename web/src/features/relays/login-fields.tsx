import { Select, SimpleGrid, Stack, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Provider, Relay, RelayInput } from '@/api/types';
import { OAuthFields } from '@/ui/oauth-fields';
import { SecretInput } from '@/ui/secret-input';
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
              <SecretInput
                label={t('relays.password')}
                description={relay?.has_password ? t('relays.passwordKept') : provider?.password_hint}
                {...form.getInputProps('password')}
              />
            )}
          </SimpleGrid>
        )}
        {auth === 'xoauth2' && (
          <OAuthFields
            input={(name) => form.getInputProps(name)}
            stored={relay}
            text={t('relays.oauth.text')}
            scope={provider?.oauth?.scope}
            docs={provider?.oauth?.docs}
          />
        )}
      </Stack>
    </Section>
  );
}
