import { Anchor, Code, SimpleGrid, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { SecretInput } from './secret-input';

type Name = 'oauth_client_id' | 'oauth_client_secret' | 'oauth_refresh_token' | 'oauth_token_url';
type Props = {
  /** What ties a field to its form. */
  input: (name: Name) => object;
  stored: { has_oauth_client_secret: boolean; has_oauth_refresh_token: boolean } | undefined;
  text: string;
  scope: string | undefined;
  docs: string | undefined;
};

/** What XOAUTH2 needs in place of a password. */
export function OAuthFields({ input, stored, text, scope, docs }: Props) {
  const { t } = useTranslation();
  return (
    <>
      <Text size="sm" c="dimmed">
        {text}{' '}
        {scope && (
          <>
            {t('relays.oauth.scope')} <Code style={{ overflowWrap: 'anywhere' }}>{scope}</Code>{' '}
          </>
        )}
        {docs && (
          <Anchor href={docs} target="_blank" rel="noreferrer" inherit underline="always">
            {t('relays.oauth.docs')}
          </Anchor>
        )}
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <TextInput label={t('relays.oauth.clientId')} autoComplete="off" {...input('oauth_client_id')} />
        <SecretInput
          label={t('relays.oauth.clientSecret')}
          description={stored?.has_oauth_client_secret ? t('relays.oauth.kept') : t('relays.oauth.clientSecretHint')}
          {...input('oauth_client_secret')}
        />
        <SecretInput
          label={t('relays.oauth.refreshToken')}
          description={stored?.has_oauth_refresh_token ? t('relays.oauth.kept') : t('relays.oauth.refreshTokenHint')}
          {...input('oauth_refresh_token')}
        />
        <TextInput
          label={t('relays.oauth.tokenUrl')}
          placeholder="https://"
          autoComplete="off"
          {...input('oauth_token_url')}
        />
      </SimpleGrid>
    </>
  );
}
