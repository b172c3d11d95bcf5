import { Select } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useTimeZone } from '@/lib/time-zone';
import type { PlanForm } from './plan-form';

type Props = { form: Pick<PlanForm, 'getInputProps'>; name: 'window.zone' | 'warmup.zone'; label: string };

/** The zone in which a plan is begun: the organisation's, else the browser's. */
export const useUsualZone = () => useTimeZone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

/** A time zone; an empty one is UTC. */
export function ZoneSelect({ form, name, label }: Props) {
  const usual = useUsualZone();
  // There are four hundred, which would be gone through with every letter typed anywhere in the form.
  const [open, setOpen] = useState(false);
  const input = form.getInputProps(name);
  const chosen: string = input.value || 'UTC';
  const zones = useMemo(
    () => (open ? [...new Set([usual, chosen, 'UTC', ...Intl.supportedValuesOf('timeZone')])] : [chosen]),
    [open, usual, chosen],
  );
  return (
    <Select
      label={label}
      searchable
      allowDeselect={false}
      limit={60}
      data={zones}
      onDropdownOpen={() => setOpen(true)}
      onDropdownClose={() => setOpen(false)}
      {...input}
      value={chosen}
    />
  );
}
