import type { useForm } from '@mantine/form';
import type { Campaign, SendingPlan } from '@/api/types';

type AnyForm = ReturnType<typeof useForm>;

/** What the fields of a plan need of a form: that of a relay and that of a sending domain have it, a campaign has the window alone. */
export type PlanForm<Part extends keyof SendingPlan = keyof SendingPlan> = {
  values: Pick<SendingPlan, Part>;
  getInputProps(path: string): ReturnType<AnyForm['getInputProps']>;
  setFieldValue(path: string, value: unknown): void;
};

type MailingForm = {
  values: { window?: Campaign['window'] };
  getInputProps(path: 'window'): ReturnType<AnyForm['getInputProps']>;
  setFieldValue(path: 'window', value: never): void;
};

/** A mailing's window as the fields of plans take it: a zone that is left out means UTC. */
export function windowOf(form: MailingForm): PlanForm<'window'> {
  const { window = null } = form.values;
  return {
    values: { window: window && { zone: '', ...window } },
    getInputProps: (path) => form.getInputProps(path as 'window'),
    setFieldValue: (path, value) => form.setFieldValue(path as 'window', value as never),
  };
}
