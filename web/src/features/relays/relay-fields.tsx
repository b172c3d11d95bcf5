import { NumberInput, SegmentedControl, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Relay, RelayInput, RelayTls } from '@/api/types';
import { Section } from '@/ui/section';
import { WarmupFields } from '@/ui/sending-plan/warmup-fields';
import { WindowFields } from '@/ui/sending-plan/window-fields';
import { LimitFields } from './limit-fields';
import { LoginFields } from './login-fields';
import { ProviderFields } from './provider-fields';
import { providersQuery } from './queries';
import { withTls } from './relay-form';
import { RoutingFields } from './routing-fields';

type Form = { form: UseFormReturnType<RelayInput> };

const encryptions: RelayTls[] = ['starttls', 'implicit', 'none'];

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
      <RoutingFields form={form} provider={smtp ? provider : undefined} />
      <LimitFields form={form} provider={smtp ? provider : undefined} />
      <WindowFields form={form} />
      <WarmupFields form={form} perDay={form.values.per_day} />
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
