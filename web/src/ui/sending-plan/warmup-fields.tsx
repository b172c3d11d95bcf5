import { NumberInput, SimpleGrid, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Warmup } from '@/api/types';
import { formatDate, formatNumber } from '@/lib/format';
import { Section } from '@/ui/section';
import { TimeChart } from '@/ui/time-chart';
import type { PlanForm } from './plan-form';
import { usualWarmup, warmupPlan, warmupReaches } from './warmup';
import { useUsualZone, ZoneSelect } from './zone-select';

type Form = { form: PlanForm };

type Props = Form & {
  /** The limit of a day at which a relay's plan ends, null without one; a domain has no such limit at all. */
  perDay?: number | null;
};

/** A daily cap that grows, for a relay or domain that receivers do not know yet. */
export function WarmupFields({ form, perDay }: Props) {
  const { t } = useTranslation();
  const zone = useUsualZone();
  const { warmup } = form.values;
  return (
    <Section title={t('plan.warmup.title')} description={t('plan.warmup.text')}>
      <Stack>
        <Switch
          label={t('plan.warmup.on')}
          checked={warmup !== null}
          onChange={(event) =>
            form.setFieldValue('warmup', event.currentTarget.checked ? usualWarmup(new Date(), zone) : null)
          }
        />
        {warmup && <PlanFields form={form} warmup={warmup} />}
        {warmup && <Plan warmup={warmup} perDay={perDay} />}
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
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <TextInput type="date" label={t('plan.warmup.start')} {...form.getInputProps('warmup.start')} />
      <NumberInput
        label={t('plan.warmup.first')}
        min={1}
        allowDecimal={false}
        thousandSeparator=","
        {...number('first')}
      />
      <NumberInput
        label={t('plan.warmup.percent')}
        min={1}
        max={500}
        allowDecimal={false}
        suffix=" %"
        {...number('percent')}
      />
      <ZoneSelect form={form} name="warmup.zone" label={t('plan.warmup.zone')} />
    </SimpleGrid>
  );
}

/** The plan as a picture and as a sentence. */
function Plan({ warmup, perDay }: { warmup: Warmup; perDay: number | null | undefined }) {
  const { t } = useTranslation();
  const { start, first, percent, zone } = warmup;
  const plan = useMemo(
    () => warmupPlan({ start, first, percent, zone }, perDay ?? null, new Date()),
    [start, first, percent, zone, perDay],
  );
  const times = useMemo(() => plan.map(({ at }) => at / 1000), [plan]);
  const series = useMemo(
    () => [{ label: t('plan.warmup.cap'), color: 'sent' as const, values: plan.map(({ cap }) => cap) }],
    [plan, t],
  );
  const last = plan.at(-1);
  if (!last) return null;
  const reaches = warmupReaches(warmup, perDay ?? null);
  const day = (at: number) => formatDate(new Date(at).toISOString(), 'UTC');
  const sentence =
    reaches === null
      ? t(perDay === undefined ? 'plan.warmup.grows' : 'plan.warmup.after', {
          cap: formatNumber(last.cap),
          date: day(last.at),
        })
      : t('plan.warmup.reaches', { cap: formatNumber(perDay ?? 0), date: day(reaches) });
  return (
    <div>
      <Text fw={550} mb="xs">
        {sentence}
      </Text>
      <TimeChart
        times={times}
        series={series}
        label={t('plan.warmup.chart')}
        unit="day"
        timeName={t('plan.warmup.day')}
        height={150}
      />
    </div>
  );
}
