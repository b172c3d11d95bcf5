import { Anchor, Select, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Provider, RelayInput } from '@/api/types';
import { formatNumber } from '@/lib/format';
import { ProviderNeeds } from '@/ui/provider-needs';
import { withProvider } from './relay-form';

type Props = { form: UseFormReturnType<RelayInput>; providers: Provider[]; provider: Provider | undefined };

const kinds: Provider['kind'][] = ['mailbox', 'service', 'own', 'generic'];

/** The choice of the provider, which fills the rest of the form, and what has to be done there first. */
export function ProviderFields({ form, providers, provider }: Props) {
  const { t } = useTranslation();
  const groups = kinds.map((kind) => ({
    group: t(`relays.provider.kind.${kind}`),
    items: providers.filter((one) => one.kind === kind).map((one) => ({ value: one.id, label: one.name })),
  }));
  return (
    <>
      <Select
        label={t('relays.provider.label')}
        description={t('relays.provider.hint')}
        placeholder={t('relays.provider.choose')}
        nothingFoundMessage={t('relays.provider.none')}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': t('relays.provider.clear') }}
        data={groups.filter((group) => group.items.length > 0)}
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
      {provider && <RegionField form={form} provider={provider} />}
      {provider && (
        <ProviderNeeds name={provider.name} needs={provider.needs} asOf={provider.as_of} docs={provider.docs}>
          {provider.kind === 'mailbox' && provider.limits.per_day < 2000 && (
            <Text size="sm" c="dimmed">
              {t('relays.provider.mailbox')}
            </Text>
          )}
        </ProviderNeeds>
      )}
    </>
  );
}

/** A choice among the provider's servers; the host stays a field of its own, for those that are not listed. */
function RegionField({ form, provider }: { form: Props['form']; provider: Provider }) {
  const { t } = useTranslation();
  if (provider.hosts.length < 2) return null;
  const known = provider.hosts.some((one) => one.host === form.values.host);
  return (
    <Select
      label={t('relays.provider.region')}
      description={t('relays.provider.regionHint')}
      allowDeselect={false}
      searchable={provider.hosts.length > 8}
      data={provider.hosts.map((one) => ({
        value: one.host,
        label: one.region ? `${one.region} · ${one.host}` : one.host,
      }))}
      value={known ? form.values.host : null}
      placeholder={form.values.host}
      onChange={(host) => host && form.setFieldValue('host', host)}
    />
  );
}

const figures = ['connections', 'messages_per_connection', 'per_second', 'per_minute', 'per_hour', 'per_day'] as const;

/** What the provider publishes: suggestions beside the fields, with their source. */
export function ProviderLimits({ provider }: { provider: Provider }) {
  const { t } = useTranslation();
  const { limits } = provider;
  const published = figures
    .filter((figure) => limits[figure] > 0)
    .map((figure) =>
      t(`relays.provider.limit.${figure}`, { count: limits[figure], formatted: formatNumber(limits[figure]) }),
    );
  return (
    <Text size="sm">
      <Text span fw={600} inherit>
        {t('relays.provider.publishes', { name: provider.name })}
      </Text>{' '}
      {published.length > 0 ? `${published.join(', ')}. ` : ''}
      {limits.note}{' '}
      <Anchor href={limits.source} target="_blank" rel="noreferrer" inherit underline="always">
        {t('relays.provider.source', { date: provider.as_of })}
      </Anchor>
    </Text>
  );
}
