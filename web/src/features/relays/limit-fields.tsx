import { NumberInput, SimpleGrid, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Provider, RelayInput } from '@/api/types';
import { Section } from '@/ui/section';
import { ProviderLimits } from './provider-fields';
import { rates } from './relay-form';

type Props = { form: UseFormReturnType<RelayInput>; provider: Provider | undefined };

/** What may go to the server at most. An empty field is no limit. */
export function LimitFields({ form, provider }: Props) {
  const { t } = useTranslation();
  return (
    <Section title={t('relays.limits')} description={t('relays.limitsText')}>
      <Stack>
        {provider && <ProviderLimits provider={provider} />}
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
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
        <SimpleGrid cols={{ base: 1, xs: 2, sm: 4 }}>
          {rates.map((rate) => (
            <NumberInput
              key={rate}
              label={t(`relays.rate.${rate}`)}
              placeholder={t('relays.noLimit')}
              min={1}
              allowDecimal={false}
              thousandSeparator=","
              hideControls
              {...form.getInputProps(rate)}
              value={form.values[rate] ?? ''}
              onChange={(value) => form.setFieldValue(rate, typeof value === 'number' ? value : null)}
            />
          ))}
        </SimpleGrid>
      </Stack>
    </Section>
  );
}
