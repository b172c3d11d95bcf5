import type { Template } from '@/api/types';

type Source = Pick<Template, 'id' | 'subject' | 'preheader' | 'html' | 'text'>;

/** The fields of data that a template reads at their first level, as they stand in its source. */
export function dataFields(source: Source): string[] {
  const all = [source.subject, source.preheader, source.html, source.text].join('\n');
  const names = [...all.matchAll(/\{[{%][^}]*?\bdata\.([A-Za-z_][\w-]*)/g)].map((match) => match[1] ?? '');
  return [...new Set(names)];
}

/** A request for a shell that sends a message by the template. Single quotes end the shell's own, so none may stand in it. */
export function curlSnippet(origin: string, source: Source): string {
  const data = Object.fromEntries(dataFields(source).map((name) => [name, '…']));
  const body = {
    template_id: source.id,
    to: { email: 'ann@example.net', name: 'Ann' },
    ...(Object.keys(data).length > 0 && { data }),
    tags: ['receipt'],
  };
  return [
    `curl ${origin}/api/v1/messages \\`,
    `  -H 'Authorization: Bearer pr_YOUR_KEY' \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -H 'Idempotency-Key: order-4711' \\`,
    `  -d '${JSON.stringify(body, null, 2).replaceAll("'", '\\u0027')}'`,
  ].join('\n');
}
