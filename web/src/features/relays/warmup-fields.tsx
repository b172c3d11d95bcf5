import { NumberInput, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { RelayInput, Warmup } from '@/api/types';
import { formatDate, formatNumber } from '@/lib/format';
import { Section } from '@/ui/section';
import { TimeChart } from '@/ui/time-chart';
import { usualWarmup, warmupPlan, warmupReaches } from './warmup';

type Form = { form: UseFormReturnType<RelayInput> };

/** A daily cap that grows, for a relay or domain that receivers do not know yet. */
export function WarmupFields({ form }: Form) {
  const { t } = useTranslation();
  const { warmup } = form.values;
  return (
    <Section title={t('relays.warmup.title')} description={t('relays.warmup.text')}>
      <Stack>
        <Switch
          label={t('relays.warmup.on')}
          checked={warmup !== null}
          onChange={(event) =>
            form.setFieldValue('warmup', event.currentTarget.checked ? usualWarmup(new Date()) : null)
          }
        />
        {warmup && <PlanFields form={form} warmup={warmup} />}
        {warmup && <Plan warmup={warmup} perDay={form.values.per_day} />}
      </Stack>
    </Section>
  );
}

function PlanFields({ form, warmup }: Form & { warmup: Warmup }) {
  const { t } = useTranslation();
  // An empty field stands for 0, which the server refuses with its advice.
  const number = (name: 'first' | 'percent') => ({
    ...form.getInputProps(`warmup.${name}`),
    value: warmup[name] || '',
    onChange: (value: string | number) => form.setFieldValue(`warmup.${name}`, Number(value) || 0),
  });
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }}>
      <TextInput type="date" label={t('relays.warmup.start')} {...form.getInputProps('warmup.start')} />
      <NumberInput
        label={t('relays.warmup.first')}
        min={1}
        allowDecimal={false}
        thousandSeparator=","
        {...number('first')}
      />
      <NumberInput
        label={t('relays.warmup.percent')}
        min={1}
        max={500}
        allowDecimal={false}
        suffix=" %"
        {...number('percent')}
      />
    </SimpleGrid>
  );
}

/** The plan as a picture and as a sentence. */
function Plan({ warmup, perDay }: { warmup: Warmup; perDay: number | null }) {
  const { t } = useTranslation();
  const { start, first, percent } = warmup;
  const plan = useMemo(
    () => warmupPlan({ start, first, percent }, perDay, new Date()),
    [start, first, percent, perDay],
  );
  const times = useMemo(() => plan.map(({ at }) => at / 1000), [plan]);
  const series = useMemo(
    () => [{ label: t('relays.warmup.cap'), color: 'sent' as const, values: plan.map(({ cap }) => cap) }],
    [plan, t],
  );
  const last = plan.at(-1);
  if (!last) return null;
  const reaches = warmupReaches(warmup, perDay);
  const day = (at: number) => formatDate(new Date(at).toISOString(), 'UTC');
  const sentence =
    reaches === null
      ? t('relays.warmup.after', { count: plan.length, cap: formatNumber(last.cap), date: day(last.at) })
      : t('relays.warmup.reaches', { cap: formatNumber(perDay ?? 0), date: day(reaches) });
  return (
    <div>
      <Text fw={550} mb="xs">
        {sentence}
      </Text>
      <TimeChart
        times={times}
        series={series}
        label={t('relays.warmup.chart')}
        unit="day"
        timeName={t('relays.warmup.day')}
        height={150}
      />
    </div>
  );
}
