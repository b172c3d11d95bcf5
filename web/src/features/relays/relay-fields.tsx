import { NumberInput, SegmentedControl, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Provider, Relay, RelayInput, RelayTls } from '@/api/types';
import { Section } from '@/ui/section';
import { LoginFields } from './login-fields';
import { ProviderFields, ProviderLimits } from './provider-fields';
import { providersQuery } from './queries';
import { withTls } from './relay-form';

type Form = { form: UseFormReturnType<RelayInput> };

const encryptions: RelayTls[] = ['starttls', 'implicit', 'none'];
const periods = ['second', 'minute', 'hour', 'day'] as const;

export function RelayFields({ form, relay }: Form & { relay: Relay | undefined }) {
  const { t } = useTranslation();
  const { data } = useQuery(providersQuery);
  const providers = data?.items ?? [];
  const provider = providers.find((one) => one.id === form.values.provider);
  const smtp = form.values.kind === 'smtp';
  return (
    <>
      <Section title={t('relays.server')}>
        <Stack>
          <SegmentedControl
            aria-label={t('relays.kindLabel')}
            data={[
              { value: 'smtp', label: t('relays.kind.smtp') },
              { value: 'inbox', label: t('relays.kind.inbox') },
            ]}
            {...form.getInputProps('kind')}
          />
          {!smtp && <Text c="dimmed">{t('relays.inboxText')}</Text>}
          {smtp && <ProviderFields form={form} providers={providers} provider={provider} />}
          <TextInput label={t('common.name')} required {...form.getInputProps('name')} />
          {smtp && <ServerFields form={form} />}
        </Stack>
      </Section>
      {smtp && <LoginFields form={form} relay={relay} provider={provider} />}
      <LimitFields form={form} provider={smtp ? provider : undefined} />
      {smtp && <MailFields form={form} />}
    </>
  );
}

function ServerFields({ form }: Form) {
  const { t } = useTranslation();
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Select
          label={t('relays.tls')}
          allowDeselect={false}
          data={encryptions.map((tls) => ({ value: tls, label: t(`relays.tlsKind.${tls}`) }))}
          {...form.getInputProps('tls')}
          onChange={(tls) => tls && form.setValues(withTls(form.getValues(), tls as RelayTls))}
        />
        <TextInput label={t('relays.host')} placeholder="smtp.example.com" required {...form.getInputProps('host')} />
        <NumberInput
          label={t('relays.port')}
          min={1}
          max={65535}
          allowDecimal={false}
          required
          {...form.getInputProps('port')}
        />
      </SimpleGrid>
      <TextInput label={t('relays.helo')} description={t('relays.heloHint')} {...form.getInputProps('helo_name')} />
    </>
  );
}

function LimitFields({ form, provider }: Form & { provider: Provider | undefined }) {
  const { t } = useTranslation();
  return (
    <Section title={t('relays.limits')} description={t('relays.limitsText')}>
      {provider && <ProviderLimits provider={provider} />}
      <SimpleGrid cols={{ base: 1, xs: 2 }}>
        <NumberInput
          label={t('relays.rateLimit')}
          placeholder={t('relays.noLimit')}
          min={1}
          allowDecimal={false}
          thousandSeparator=","
          {...form.getInputProps('rate_limit')}
          value={form.values.rate_limit ?? ''}
          onChange={(value) => form.setFieldValue('rate_limit', typeof value === 'number' ? value : null)}
        />
        <Select
          label={t('relays.ratePeriod')}
          allowDeselect={false}
          data={periods.map((period) => ({ value: period, label: t(`relays.period.${period}`) }))}
          {...form.getInputProps('rate_period')}
        />
        <NumberInput
          label={t('relays.maxConnections')}
          min={1}
          allowDecimal={false}
          required
          {...form.getInputProps('max_connections')}
        />
        <NumberInput
          label={t('relays.maxMessages')}
          min={1}
          allowDecimal={false}
          required
          {...form.getInputProps('max_messages_per_connection')}
        />
      </SimpleGrid>
    </Section>
  );
}

function MailFields({ form }: Form) {
  const { t } = useTranslation();
  return (
    <Section title={t('relays.mail')}>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Select
          label={t('relays.returnPath')}
          allowDeselect={false}
          data={[
            { value: 'per_recipient', label: t('relays.returnPathKind.per_recipient') },
            { value: 'from', label: t('relays.returnPathKind.from') },
          ]}
          {...form.getInputProps('return_path')}
        />
        <Select
          label={t('relays.dkim')}
          allowDeselect={false}
          data={[
            { value: 'sign', label: t('relays.dkimKind.sign') },
            { value: 'off', label: t('relays.dkimKind.off') },
          ]}
          {...form.getInputProps('dkim')}
        />
        {form.values.dkim === 'sign' && (
          <Select
            label={t('relays.profile')}
            allowDeselect={false}
            data={[
              { value: 'default', label: t('relays.profileKind.default') },
              { value: 'ses', label: t('relays.profileKind.ses') },
            ]}
            {...form.getInputProps('signing_profile')}
          />
        )}
      </SimpleGrid>
    </Section>
  );
}
