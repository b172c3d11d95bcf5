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

/**
 * Like applyProblem, for a form of several tabs: a field can be out of sight, so what is wrong is said above the form in any case. field turns
 * the server's name of a field into that of the form. Gives the first wrong field too, whose tab is to be opened.
 */
export function placeProblem(
  form: FormLike,
  error: unknown,
  field: (path: string) => string = (path) => path,
): { message: string; first?: string } {
  if (!(error instanceof Problem)) return { message: errorMessage(error) };
  const values = form.getValues();
  const fields = Object.entries(error.fieldErrors)
    .map(([path, message]) => [field(path), message] as const)
    .filter(([name]) => (name.split('.')[0] ?? '') in values);
  const message = errorMessage(error);
  const first = fields[0]?.[0];
  if (!first) return { message };
  form.setErrors(Object.fromEntries(fields));
  return { message, first };
}
