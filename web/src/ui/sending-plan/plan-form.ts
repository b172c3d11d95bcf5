import type { useForm } from '@mantine/form';
import type { SendingPlan } from '@/api/types';

type AnyForm = ReturnType<typeof useForm>;

/** What the fields of a plan need of a form: that of a relay and that of a sending domain have it. */
export type PlanForm = {
  values: SendingPlan;
  getInputProps(path: string): ReturnType<AnyForm['getInputProps']>;
  setFieldValue(path: string, value: unknown): void;
};
