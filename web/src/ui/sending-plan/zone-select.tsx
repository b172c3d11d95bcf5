import { Select, type SelectProps } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTimeZone } from '@/lib/time-zone';
import type { PlanForm } from './plan-form';

type Props = { form: Pick<PlanForm, 'getInputProps'>; name: 'window.zone' | 'warmup.zone'; label: string };

/** The zone in which a plan is begun: the organisation's, else the browser's. */
export const useUsualZone = () => useTimeZone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A time zone of a plan; an empty one is UTC. */
export function ZoneSelect({ form, name, label }: Props) {
  const { value, ...input } = form.getInputProps(name);
  return <ZonePicker label={label} {...input} value={value || 'UTC'} />;
}

type PickerProps = Omit<SelectProps, 'data' | 'value'> & { value: string };

/** A time zone, found by typing. */
export function ZonePicker({ value, ...props }: PickerProps) {
  const usual = useUsualZone();
  // There are four hundred, which would be gone through with every letter typed anywhere in the form.
  const [open, setOpen] = useState(false);
  const zones = useMemo(
    () => (open ? [...new Set([usual, value, 'UTC', ...Intl.supportedValuesOf('timeZone')])] : [value]),
    [open, usual, value],
  );
  return (
    <Select
      searchable
      allowDeselect={false}
      limit={60}
      data={zones}
      onDropdownOpen={() => setOpen(true)}
      onDropdownClose={() => setOpen(false)}
      {...props}
      value={value}
    />
  );
}
