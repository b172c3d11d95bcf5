import { Autocomplete, Button, Chip, Group, Input, SimpleGrid, Stack, Switch, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { SendingWindow } from '@/api/types';
import { weekdayName } from '@/lib/format';
import { Section } from '@/ui/section';
import type { PlanForm } from './plan-form';
import { allDays, openPerWeek, overMidnight, timesOfDay, usualWindow, workingDays } from './sending-window';
import { useUsualZone, ZoneSelect } from './zone-select';

type Form = { form: PlanForm<'window'> };
type Part = Form & { window: SendingWindow };

/** On which days and between which times of day mail may go out. */
export function WindowFields({ form }: Form) {
  const { t } = useTranslation();
  const zone = useUsualZone();
  const { window } = form.values;
  return (
    <Section title={t('plan.window.title')} description={t('plan.window.text')}>
      <Stack>
        <Switch
          label={t('plan.window.on')}
          checked={window !== null}
          onChange={(event) => form.setFieldValue('window', event.currentTarget.checked ? usualWindow(zone) : null)}
        />
        {window && <DaysField form={form} window={window} />}
        {window && <TimesFields form={form} window={window} />}
      </Stack>
    </Section>
  );
}

function DaysField({ form, window }: Part) {
  const { t } = useTranslation();
  const { error } = form.getInputProps('window.days');
  const choose = (days: number[]) => form.setFieldValue('window.days', days);
  return (
    <Input.Wrapper label={t('plan.window.days')} labelElement="div" error={error}>
      <Group gap={6} mt={4} role="group" aria-label={t('plan.window.days')}>
        <Chip.Group
          multiple
          value={window.days.map(String)}
          onChange={(days) => choose(days.map(Number).sort((a, b) => a - b))}
        >
          {allDays.map((day) => (
            <Chip key={day} value={String(day)} size="sm" variant="outline" radius="md" {...nodePath(day)}>
              {weekdayName(day)}
            </Chip>
          ))}
        </Chip.Group>
        <Group gap={4}>
          <Button size="compact-sm" variant="subtle" onClick={() => choose(workingDays)}>
            {t('plan.window.workingDays')}
          </Button>
          <Button size="compact-sm" variant="subtle" onClick={() => choose(allDays)}>
            {t('plan.window.allDays')}
          </Button>
        </Group>
      </Group>
    </Input.Wrapper>
  );
}

/** The first day is where the form goes to when the server objects to the days. */
const nodePath = (day: number) => (day === 1 ? { 'data-path': 'window.days' } : {});

function TimesFields({ form, window }: Part) {
  const { t } = useTranslation();
  const open = openPerWeek(window);
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <TimeOfDay form={form} name="window.from" label={t('plan.window.from')} />
        <TimeOfDay form={form} name="window.until" label={t('plan.window.until')} />
        <ZoneSelect form={form} name="window.zone" label={t('plan.window.zone')} />
      </SimpleGrid>
      {open !== null && open > 0 && (
        <Text size="sm" c="dimmed">
          {overMidnight(window) && `${t('plan.window.overMidnight', { until: window.until })} `}
          {t('plan.window.open', { count: open })}
        </Text>
      )}
    </>
  );
}

type TimeOfDayProps = Form & { name: 'window.from' | 'window.until'; label: string };

/** A time of day that is typed or chosen; all are offered, whatever stands in the field. */
function TimeOfDay({ form, name, label }: TimeOfDayProps) {
  return (
    <Autocomplete
      label={label}
      placeholder="08:00"
      inputMode="numeric"
      maxDropdownHeight={220}
      data={timesOfDay}
      filter={({ options }) => options}
      {...form.getInputProps(name)}
    />
  );
}
