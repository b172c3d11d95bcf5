import {
  ActionIcon,
  Button,
  Chip,
  Grid,
  Group,
  Input,
  Pill,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Recurrence } from '@/api/types';
import { formatDate, weekdayName } from '@/lib/format';
import { NumberField } from '@/ui/number-field';
import { Section } from '@/ui/section';
import { ZonePicker } from '@/ui/sending-plan/zone-select';
import { errorsUnder, type NewsletterFormOf } from './form';
import {
  type End,
  endOf,
  inKind,
  type Pattern,
  type PatternKind,
  readRule,
  startPattern,
  type Weekday,
  weekdays,
  withEnd,
  writeRule,
  yearAfter,
} from './rule';
import { SchedulePreviewCard } from './schedule-preview';

type Schedule = Required<Recurrence>;
type Part = { value: Schedule; onChange: (change: Partial<Schedule>) => void; errors: Record<string, React.ReactNode> };

const presets = [
  ['workdays', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'],
  ['monday', 'FREQ=WEEKLY;BYDAY=MO'],
  ['secondThursday', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=TH'],
  ['firstMonday', 'FREQ=MONTHLY;BYDAY=1MO'],
  ['lastDay', 'FREQ=MONTHLY;BYMONTHDAY=-1'],
] as const;

/** When issues go out, beside what comes of it. */
export function ScheduleTab({ form }: { form: NewsletterFormOf }) {
  const { t } = useTranslation();
  const value = form.values.schedule;
  const part: Part = {
    value,
    errors: errorsUnder(form.errors, 'schedule'),
    onChange: (change) => {
      form.setFieldValue('schedule', { ...value, ...change });
      for (const name of Object.keys(change)) form.clearFieldError(`schedule.${name}`);
    },
  };
  return (
    <Grid gap="md">
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <Stack>
          <Section title={t('newsletters.schedule.when')} description={t('newsletters.schedule.whenText')}>
            <Stack>
              <RuleFields {...part} />
              <StartFields {...part} />
            </Stack>
          </Section>
          <Section title={t('newsletters.schedule.ends')}>
            <EndFields {...part} />
          </Section>
          <Section title={t('newsletters.schedule.except')} description={t('newsletters.schedule.exceptText')}>
            <ExceptionFields {...part} />
          </Section>
        </Stack>
      </Grid.Col>
      <Grid.Col span={{ base: 12, lg: 6 }}>
        <SchedulePreviewCard
          schedule={value}
          onLeaveOut={(date) => part.onChange({ exdates: withDate(value.exdates, date) })}
          onTakeBack={(date) => part.onChange({ exdates: value.exdates.filter((one) => one.slice(0, 10) !== date) })}
        />
      </Grid.Col>
    </Grid>
  );
}

const kinds: PatternKind[] = ['daily', 'weekdays', 'weekly', 'monthDay', 'monthNth', 'yearly'];

function RuleFields({ value, onChange, errors }: Part) {
  const { t } = useTranslation();
  const plan = readRule(value.rule);
  // The same rule can stand in the fields of several kinds, and any as text: the one that was chosen stays while it can.
  const [kind, setKind] = useState<PatternKind | 'own'>(plan?.pattern.kind ?? 'own');
  const pattern = kind === 'own' || !plan ? null : inKind(plan.pattern, kind);
  const choose = (next: Pattern) => {
    setKind(next.kind);
    onChange({ rule: writeRule({ pattern: next, end: plan?.end ?? endOf(value.rule) }) });
  };
  const chooseKind = (next: string | null) => {
    if (next === 'own') setKind('own');
    else if (next && next !== pattern?.kind) choose(startPattern(next as PatternKind, value.start));
  };
  return (
    <>
      <Group gap={6} role="group" aria-label={t('newsletters.schedule.usual')}>
        {presets.map(([name, rule]) => (
          <Button
            key={name}
            size="compact-sm"
            variant="default"
            onClick={() => {
              const wanted = readRule(rule);
              if (wanted) choose(wanted.pattern);
            }}
          >
            {t(`newsletters.schedule.presets.${name}`)}
          </Button>
        ))}
      </Group>
      <Select
        label={t('newsletters.schedule.repeats')}
        allowDeselect={false}
        data={[
          ...kinds.map((kind) => ({ value: kind as string, label: t(`newsletters.schedule.kinds.${kind}`) })),
          { value: 'own', label: t('newsletters.schedule.kinds.own') },
        ]}
        value={pattern?.kind ?? 'own'}
        onChange={chooseKind}
        error={pattern ? errors.rule : undefined}
      />
      {pattern ? (
        <PatternFields pattern={pattern} onChange={choose} />
      ) : (
        <TextInput
          label={t('newsletters.schedule.rule')}
          description={t('newsletters.schedule.ruleHint')}
          className="mono"
          spellCheck={false}
          value={value.rule}
          error={errors.rule}
          onChange={(event) => {
            setKind('own');
            onChange({ rule: event.currentTarget.value });
          }}
        />
      )}
    </>
  );
}

type PatternProps = { pattern: Pattern; onChange: (pattern: Pattern) => void };

function PatternFields({ pattern, onChange }: PatternProps) {
  const { t } = useTranslation();
  if (pattern.kind === 'weekdays') return null;
  if (pattern.kind === 'yearly') return <YearlyFields pattern={pattern} onChange={onChange} />;
  const unit = pattern.kind === 'daily' ? 'days' : pattern.kind === 'weekly' ? 'weeks' : 'months';
  return (
    <SimpleGrid cols={{ base: 1, xs: pattern.kind === 'weekly' ? 1 : 2 }}>
      <NumberField
        label={t(`newsletters.schedule.every.${unit}`)}
        description={t('newsletters.schedule.everyHint')}
        min={1}
        max={99}
        allowDecimal={false}
        maw={260}
        value={pattern.every}
        onChange={(every) => onChange({ ...pattern, every })}
      />
      {pattern.kind === 'weekly' && <DaysField pattern={pattern} onChange={onChange} />}
      {pattern.kind === 'monthDay' && (
        <Select
          label={t('newsletters.schedule.day')}
          description={t('newsletters.schedule.dayHint')}
          allowDeselect={false}
          data={[
            { value: '-1', label: t('newsletters.schedule.lastDay') },
            ...Array.from({ length: 31 }, (_, i) => ({ value: String(i + 1), label: String(i + 1) })),
          ]}
          value={String(pattern.day)}
          onChange={(day) => onChange({ ...pattern, day: Number(day) })}
        />
      )}
      {pattern.kind === 'monthNth' && <NthFields pattern={pattern} onChange={onChange} />}
    </SimpleGrid>
  );
}

type Of<K extends PatternKind> = { pattern: Extract<Pattern, { kind: K }>; onChange: (pattern: Pattern) => void };

function DaysField({ pattern, onChange }: Of<'weekly'>) {
  const { t } = useTranslation();
  return (
    <Input.Wrapper label={t('newsletters.schedule.days')} labelElement="div">
      <Group gap={6} mt={4} role="group" aria-label={t('newsletters.schedule.days')}>
        <Chip.Group
          multiple
          value={pattern.days}
          // A week without a day would be no rule.
          onChange={(days) => days.length > 0 && onChange({ ...pattern, days: days as Weekday[] })}
        >
          {weekdays.map((day, index) => (
            <Chip key={day} value={day} size="sm" variant="outline" radius="md">
              {weekdayName(index + 1)}
            </Chip>
          ))}
        </Chip.Group>
      </Group>
    </Input.Wrapper>
  );
}

const nths = [1, 2, 3, 4, -1] as const;

function NthFields({ pattern, onChange }: Of<'monthNth'>) {
  const { t } = useTranslation();
  const offered = (nths as readonly number[]).includes(pattern.nth) ? nths : [...nths, pattern.nth];
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <Select
        label={t('newsletters.schedule.which')}
        allowDeselect={false}
        data={offered.map((n) => ({ value: String(n), label: t(`newsletters.schedule.nth.${n as 1}`) }))}
        value={String(pattern.nth)}
        onChange={(nth) => onChange({ ...pattern, nth: Number(nth) })}
      />
      <Select
        aria-label={t('newsletters.schedule.weekday')}
        allowDeselect={false}
        data={weekdays.map((day, index) => ({ value: day as string, label: weekdayName(index + 1) }))}
        value={pattern.day}
        onChange={(day) => onChange({ ...pattern, day: day as Weekday })}
      />
    </Group>
  );
}

function YearlyFields({ pattern, onChange }: Of<'yearly'>) {
  const { t } = useTranslation();
  const month = (m: number) =>
    new Intl.DateTimeFormat(undefined, { month: 'long', timeZone: 'UTC' }).format(Date.UTC(2024, m - 1, 1));
  return (
    <SimpleGrid cols={2}>
      <Select
        label={t('newsletters.schedule.month')}
        allowDeselect={false}
        data={Array.from({ length: 12 }, (_, i) => ({ value: String(i + 1), label: month(i + 1) }))}
        value={String(pattern.month)}
        onChange={(value) => onChange({ ...pattern, month: Number(value) })}
      />
      <NumberField
        label={t('newsletters.schedule.day')}
        min={1}
        max={31}
        allowDecimal={false}
        value={pattern.day}
        onChange={(day) => onChange({ ...pattern, day })}
      />
    </SimpleGrid>
  );
}

function StartFields({ value, onChange, errors }: Part) {
  const { t } = useTranslation();
  const [date = '', time = ''] = value.start.split('T');
  return (
    <>
      <SimpleGrid cols={2}>
        <TextInput
          type="time"
          label={t('newsletters.schedule.time')}
          value={time.slice(0, 5)}
          onChange={(event) => onChange({ start: `${date}T${event.currentTarget.value}` })}
        />
        <TextInput
          type="date"
          label={t('newsletters.schedule.from')}
          value={date}
          onChange={(event) => onChange({ start: `${event.currentTarget.value}T${time}` })}
        />
      </SimpleGrid>
      {errors.start && (
        <Text size="sm" c="var(--app-bad)" role="alert">
          {errors.start}
        </Text>
      )}
      <ZonePicker
        label={t('newsletters.schedule.zone')}
        description={t('newsletters.schedule.zoneHint')}
        value={value.zone}
        error={errors.zone}
        onChange={(zone) => zone && onChange({ zone })}
      />
    </>
  );
}

function EndFields({ value, onChange }: Part) {
  const { t } = useTranslation();
  const end = endOf(value.rule);
  const choose = (next: End) => onChange({ rule: withEnd(value.rule, next) });
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }}>
      <Select
        aria-label={t('newsletters.schedule.ends')}
        allowDeselect={false}
        data={(['never', 'until', 'count'] as const).map((kind) => ({
          value: kind as string,
          label: t(`newsletters.schedule.end.${kind}`),
        }))}
        value={end.kind}
        onChange={(kind) => {
          if (kind === 'until') choose({ kind, date: yearAfter(value.start) });
          else choose(kind === 'count' ? { kind, count: 10 } : { kind: 'never' });
        }}
      />
      {end.kind === 'until' && (
        <TextInput
          type="date"
          aria-label={t('newsletters.schedule.lastDate')}
          value={end.date}
          onChange={(event) => event.currentTarget.value && choose({ kind: 'until', date: event.currentTarget.value })}
        />
      )}
      {end.kind === 'count' && (
        <NumberField
          aria-label={t('newsletters.schedule.count')}
          suffix={` ${t('newsletters.schedule.runs')}`}
          min={1}
          max={9999}
          allowDecimal={false}
          value={end.count}
          onChange={(count) => choose({ kind: 'count', count })}
        />
      )}
    </SimpleGrid>
  );
}

/** The dates with one more, each once; a stored one can have a time. */
const withDate = (dates: string[], date: string) =>
  dates.some((one) => one.slice(0, 10) === date) ? dates : [...dates, date].sort();

function ExceptionFields({ value, onChange, errors }: Part) {
  const { t } = useTranslation();
  const [date, setDate] = useState('');
  const add = () => {
    if (date) onChange({ exdates: withDate(value.exdates, date) });
    setDate('');
  };
  return (
    <Stack gap="sm">
      <Group align="flex-end" gap="xs">
        <TextInput
          type="date"
          label={t('newsletters.schedule.exceptDate')}
          value={date}
          error={errors.exdates}
          onChange={(event) => setDate(event.currentTarget.value)}
        />
        <ActionIcon
          size={36}
          variant="default"
          aria-label={t('newsletters.schedule.addException')}
          disabled={!date}
          onClick={add}
        >
          <IconPlus size={16} />
        </ActionIcon>
      </Group>
      {value.exdates.length > 0 && (
        <Pill.Group>
          {value.exdates.map((one) => (
            <Pill
              key={one}
              size="md"
              withRemoveButton
              removeButtonProps={{
                'aria-label': t('newsletters.schedule.removeException', { date: one }),
                tabIndex: 0,
                'aria-hidden': false,
              }}
              onRemove={() => onChange({ exdates: value.exdates.filter((other) => other !== one) })}
            >
              {formatDate(`${one.slice(0, 10)}T12:00:00Z`, 'UTC')}
            </Pill>
          ))}
        </Pill.Group>
      )}
    </Stack>
  );
}
