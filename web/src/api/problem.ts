// RFC 9457 problem details, as every error of the API comes.

export type ProblemDetail = { message: string; location?: string; value?: unknown };
export type ProblemBody = { type?: string; title?: string; status?: number; detail?: string; errors?: ProblemDetail[] };

/** The status of an answer that never came: the server is down, or the connection broke. */
export const UNREACHABLE = 0;

export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors: ProblemDetail[];

  constructor(status: number, body: ProblemBody = {}) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.title = body.title ?? '';
    this.detail = body.detail ?? '';
    this.errors = body.errors ?? [];
  }

  /** Messages by form path: "body.columns[0].target" becomes "columns.0.target". Errors without a place in the body are left out. */
  get fieldErrors(): Record<string, string> {
    const fields: Record<string, string> = {};
    for (const { location, message } of this.errors) {
      const path = formPath(location);
      if (!path) continue;
      fields[path] = fields[path] ? `${fields[path]}; ${message}` : message;
    }
    return fields;
  }

  /** Everything a reader needs, for places without a form: the detail, and the messages of all parts. */
  get summary(): string {
    const messages = this.errors.map((error) => error.message);
    const head = this.detail || this.title;
    if (messages.length === 0) return head;
    const rest = messages.filter((message) => !head.includes(message)).join('; ');
    if (!rest) return head;
    return head ? `${head}: ${rest}` : rest;
  }
}

export function formPath(location: string | undefined): string {
  if (!location?.startsWith('body.')) return '';
  return location.slice('body.'.length).replace(/\[(\d+)\]/g, '.$1');
}

/** The message to show for whatever was thrown. */
export function errorMessage(error: unknown): string {
  if (error instanceof Problem) return error.summary || error.message;
  return error instanceof Error ? error.message : String(error);
}
