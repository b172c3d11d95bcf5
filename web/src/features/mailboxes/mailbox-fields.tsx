import { NumberInput, SegmentedControl, Select, SimpleGrid, Stack, Switch, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Mailbox, MailboxInput, MailboxProtocol } from '@/api/types';
import { providersQuery } from '@/features/relays/queries';
import { OAuthFields } from '@/ui/oauth-fields';
import { ProviderNeeds } from '@/ui/provider-needs';
import { SecretInput } from '@/ui/secret-input';
import { Section } from '@/ui/section';
import { type ReadingProvider, readable, withProtocol, withProvider, withTls } from './mailbox-form';

type Form = { form: UseFormReturnType<MailboxInput> };
type Known = Form & { provider: ReadingProvider | undefined };

export function MailboxFields({ form, mailbox }: Form & { mailbox: Mailbox | undefined }) {
  const { t } = useTranslation();
  const { data } = useQuery(providersQuery);
  const providers = readable(data?.items ?? []);
  const provider = providers.find((one) => one.id === form.values.provider);
  return (
    <>
      <Section title={t('relays.server')}>
        <Stack>
          <ProviderSelect form={form} providers={providers} provider={provider} />
          {provider && (
            <ProviderNeeds name={provider.reading.name} needs={provider.reading.needs} asOf={provider.as_of} />
          )}
          <TextInput label={t('common.name')} required {...form.getInputProps('name')} />
          <ServerFields form={form} provider={provider} />
        </Stack>
      </Section>
      <LoginFields form={form} mailbox={mailbox} provider={provider} />
      <HandlingFields form={form} provider={provider} />
    </>
  );
}

function ProviderSelect({ form, providers, provider }: Known & { providers: ReadingProvider[] }) {
  const { t } = useTranslation();
  return (
    <Select
      label={t('relays.provider.label')}
      description={t('relays.provider.hint')}
      placeholder={t('relays.provider.choose')}
      nothingFoundMessage={t('mailboxes.providerNone')}
      searchable
      clearable
      clearButtonProps={{ 'aria-label': t('relays.provider.clear') }}
      data={providers.map((one) => ({ value: one.id, label: one.reading.name }))}
      {...form.getInputProps('provider')}
      value={form.values.provider || null}
      onChange={(id) =>
        form.setValues(
          withProvider(
            form.getValues(),
            providers.find((one) => one.id === id),
            provider,
          ),
        )
      }
    />
  );
}

const protocols: MailboxProtocol[] = ['imap', 'pop3'];
const encryptions: Mailbox['tls'][] = ['implicit', 'starttls', 'none'];

function ServerFields({ form, provider }: Known) {
  const { t } = useTranslation();
  const { protocol, tls, host } = form.values;
  const servers = provider?.reading.servers.filter((one) => one.protocol === protocol && one.region) ?? [];
  return (
    <>
      <SegmentedControl
        aria-label={t('mailboxes.protocol')}
        data={protocols.map((one) => ({ value: one, label: t(`mailboxes.protocolKind.${one}`) }))}
        {...form.getInputProps('protocol')}
        onChange={(one) => form.setValues(withProtocol(form.getValues(), one as MailboxProtocol, provider))}
      />
      {servers.length > 1 && (
        <Select
          label={t('relays.provider.region')}
          description={t('relays.provider.regionHint')}
          allowDeselect={false}
          data={servers.map((one) => ({ value: one.host, label: `${one.region} · ${one.host}` }))}
          value={servers.some((one) => one.host === host) ? host : null}
          placeholder={host}
          onChange={(one) => one && form.setFieldValue('host', one)}
        />
      )}
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Select
          label={t('relays.tls')}
          allowDeselect={false}
          data={encryptions.map((one) => ({ value: one, label: t(`relays.tlsKind.${one}`) }))}
          {...form.getInputProps('tls')}
          onChange={(one) => one && form.setValues(withTls(form.getValues(), one as Mailbox['tls']))}
        />
        <TextInput
          label={t('relays.host')}
          placeholder={`${protocol === 'pop3' ? 'pop' : 'imap'}.example.com`}
          required
          {...form.getInputProps('host')}
        />
        <NumberInput
          label={t('relays.port')}
          min={1}
          max={65535}
          allowDecimal={false}
          required
          {...form.getInputProps('port')}
        />
      </SimpleGrid>
      {tls === 'none' && (
        <Switch
          label={t('mailboxes.cleartext')}
          description={t('mailboxes.cleartextHint')}
          {...form.getInputProps('allow_cleartext', { type: 'checkbox' })}
        />
      )}
    </>
  );
}

function LoginFields({ form, mailbox, provider }: Known & { mailbox: Mailbox | undefined }) {
  const { t } = useTranslation();
  const { auth } = form.values;
  return (
    <Section title={t('relays.login')}>
      <Stack>
        <Select
          label={t('relays.auth')}
          allowDeselect={false}
          maw={320}
          data={(['password', 'xoauth2'] as const).map((one) => ({
            value: one,
            label: t(`mailboxes.authKind.${one}`),
          }))}
          {...form.getInputProps('auth')}
        />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label={t('relays.username')}
            description={provider?.reading.username_hint}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            autoComplete="off"
            {...form.getInputProps('username')}
          />
          {auth === 'password' && (
            <SecretInput
              label={t('relays.password')}
              description={mailbox?.has_password ? t('relays.passwordKept') : provider?.reading.password_hint}
              {...form.getInputProps('password')}
            />
          )}
        </SimpleGrid>
        {auth === 'xoauth2' && (
          <OAuthFields
            input={(name) => form.getInputProps(name)}
            stored={mailbox}
            text={t('mailboxes.oauthText')}
            scope={provider?.reading.scope}
            docs={provider?.oauth?.docs}
          />
        )}
      </Stack>
    </Section>
  );
}

function HandlingFields({ form, provider }: Known) {
  const { t } = useTranslation();
  const { protocol, after_taken } = form.values;
  const ways = protocol === 'imap' ? (['move', 'delete', 'leave'] as const) : (['delete', 'leave'] as const);
  return (
    <Section title={t('mailboxes.handling')} description={t('mailboxes.handlingText')}>
      <Stack>
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          {protocol === 'imap' && (
            <TextInput label={t('mailboxes.folder')} required {...form.getInputProps('folder')} />
          )}
          <NumberInput
            label={t('mailboxes.poll')}
            description={t('mailboxes.pollHint')}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            min={provider?.reading.poll_minutes ?? 1}
            max={1440}
            allowDecimal={false}
            required
            {...form.getInputProps('poll_minutes')}
          />
          <Select
            label={t('mailboxes.after')}
            allowDeselect={false}
            data={ways.map((one) => ({ value: one, label: t(`mailboxes.afterKind.${one}`) }))}
            {...form.getInputProps('after_taken')}
            onChange={(one) =>
              one &&
              form.setValues({
                after_taken: one as Mailbox['after_taken'],
                move_to: one === 'move' ? form.values.move_to || 'Postrider' : form.values.move_to,
              })
            }
          />
          {after_taken === 'move' && (
            <TextInput
              label={t('mailboxes.moveTo')}
              description={t('mailboxes.moveToHint')}
              inputWrapperOrder={['label', 'input', 'description', 'error']}
              required
              {...form.getInputProps('move_to')}
            />
          )}
        </SimpleGrid>
        {after_taken !== 'leave' && (
          <Switch
            label={t('mailboxes.ignored')}
            description={t('mailboxes.ignoredHint')}
            {...form.getInputProps('clear_ignored', { type: 'checkbox' })}
          />
        )}
      </Stack>
    </Section>
  );
}
