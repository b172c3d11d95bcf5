import type { useForm } from '@mantine/form';
import type { SendingPlan } from '@/api/types';

type AnyForm = ReturnType<typeof useForm>;

/** What the fields of a plan need of a form: that of a relay and that of a sending domain have it, a campaign has the window alone. */
export type PlanForm<Part extends keyof SendingPlan = keyof SendingPlan> = {
  values: Pick<SendingPlan, Part>;
  getInputProps(path: string): ReturnType<AnyForm['getInputProps']>;
  setFieldValue(path: string, value: unknown): void;
};
