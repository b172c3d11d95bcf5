import { errorMessage, Problem } from '@/api/problem';

type FormLike = { getValues: () => Record<string, unknown>; setErrors: (errors: Record<string, string>) => void };

/**
 * Puts the server's objections at the fields of the form they are about. Returns what is left to say above the form, or null when every
 * objection found its field.
 */
export function applyProblem(form: FormLike, error: unknown): string | null {
  if (!(error instanceof Problem)) return errorMessage(error);
  const values = form.getValues();
  const fields = Object.entries(error.fieldErrors);
  const known = fields.filter(([path]) => (path.split('.')[0] ?? '') in values);
  if (known.length === 0) return error.summary || error.message;
  form.setErrors(Object.fromEntries(known));
  const others = fields.filter(([path]) => !known.some(([name]) => name === path)).map(([, message]) => message);
  return others.length > 0 ? others.join('; ') : null;
}

/** The first field of the form that the server objects to, as the path of its input: "warmup.first". */
export function firstWrongField(form: Pick<FormLike, 'getValues'>, error: unknown): string | undefined {
  if (!(error instanceof Problem)) return undefined;
  const values = form.getValues();
  return Object.keys(error.fieldErrors).find((path) => (path.split('.')[0] ?? '') in values);
}
