import type { useForm } from '@mantine/form';
import type { Newsletter, NewsletterInput, NewsletterRules, NewsletterSource, Recurrence } from '@/api/types';
import { placeProblem } from '@/lib/form-problem';
import type { MailContent } from '@/ui/mail-editor/mail-editor';

type Mailing = {
  from_name: string;
  from_email: string;
  reply_to: string;
  ignore_frequency_cap: boolean;
  track_opens: boolean;
  track_clicks: boolean;
  unconfirmed_policy: 'hold' | 'resend' | 'assume_delivered';
  expires_after_hours: number;
  max_bounce_percent: number | null;
  max_complaint_percent: number | null;
  window: Newsletter['mailing']['window'];
};

/** What the editor edits: a newsletter with its mailing laid flat, as the fields of campaigns have it. */
export type NewsletterValues = Mailing & {
  name: string;
  description: string;
  public: boolean;
  slug: string;
  language: string;
  sign_up_url: string;
  indexed: boolean;
  list_ids: number[];
  segment_ids: number[];
  exclude_segment_ids: number[];
  exclude_list_ids: number[];
  relay_id: number | null;
  relay_ids: number[];
  source: Required<NewsletterSource>;
  content: MailContent;
  schedule: Required<Recurrence>;
  rules: NewsletterRules;
};
export type NewsletterFormOf = ReturnType<typeof useForm<NewsletterValues>>;

const USUAL_HOURS = 72;

export function contentOf(content: Newsletter['content']): MailContent {
  return {
    kind: content.kind ?? 'html',
    layout_id: content.layout_id ?? null,
    inline_css: content.inline_css ?? true,
    subject: content.subject ?? '',
    preheader: content.preheader ?? '',
    html: content.html ?? '',
    text: content.text ?? '',
  };
}

export function valuesOf(n: Newsletter): NewsletterValues {
  const m = n.mailing;
  return {
    name: n.name,
    description: n.description,
    public: n.public,
    slug: n.slug,
    language: n.language,
    sign_up_url: n.sign_up_url,
    indexed: n.indexed,
    list_ids: n.list_ids,
    segment_ids: n.segment_ids,
    exclude_segment_ids: n.exclude_segment_ids,
    exclude_list_ids: n.exclude_list_ids,
    relay_id: n.relay_ids[0] ?? null,
    relay_ids: n.relay_ids,
    source: { kind: n.source.kind, url: n.source.url ?? '' },
    content: contentOf(n.content),
    schedule: { ...n.schedule, exdates: n.schedule.exdates ?? [] },
    rules: n.rules,
    from_name: m.from_name ?? '',
    from_email: m.from_email ?? '',
    reply_to: m.reply_to ?? '',
    ignore_frequency_cap: m.ignore_frequency_cap ?? false,
    track_opens: m.track_opens ?? true,
    track_clicks: m.track_clicks ?? true,
    unconfirmed_policy: m.unconfirmed_policy || 'hold',
    expires_after_hours: m.expires_after_hours || USUAL_HOURS,
    max_bounce_percent: m.max_bounce_percent ?? null,
    max_complaint_percent: m.max_complaint_percent ?? null,
    window: m.window ?? null,
  };
}

const mailingFields = [
  'from_name',
  'from_email',
  'reply_to',
  'ignore_frequency_cap',
  'track_opens',
  'track_clicks',
  'unconfirmed_policy',
  'expires_after_hours',
  'max_bounce_percent',
  'max_complaint_percent',
  'window',
] as const satisfies (keyof Mailing)[];

export function inputOf(values: NewsletterValues): NewsletterInput {
  const { relay_id: _, source, ...rest } = values;
  const mailing: Record<string, unknown> = {};
  const input: Record<string, unknown> = { ...rest };
  for (const field of mailingFields) {
    mailing[field] = values[field];
    delete input[field];
  }
  // What a person writes has no address.
  const url = source.kind === 'draft' ? '' : source.url;
  return { ...input, mailing, source: { kind: source.kind, url } } as NewsletterInput;
}

export type NewsletterTab = 'issues' | 'schedule' | 'content' | 'settings';
const contentFields = ['subject', 'preheader', 'kind', 'layout_id', 'inline_css', 'html', 'text'];

/** Where the form has what the server calls so. */
export function formField(path: string): string {
  if (path.startsWith('mailing.')) return path.slice('mailing.'.length);
  return contentFields.includes(path) ? `content.${path}` : path;
}

export function tabOf(field: string): NewsletterTab {
  if (field.startsWith('schedule')) return 'schedule';
  return field.startsWith('content') ? 'content' : 'settings';
}

/** Puts objections at their fields; gives what is said of them above, and the tab of the first of them. */
export function takeProblem(form: NewsletterFormOf, error: unknown): { message: string; tab?: NewsletterTab } {
  const { message, first } = placeProblem(form, error, formField);
  return { message, ...(first && { tab: tabOf(first) }) };
}

/** The errors of a part of the form, by the names that its fields have among themselves. */
export function errorsUnder(errors: NewsletterFormOf['errors'], part: string): Record<string, React.ReactNode> {
  const prefix = `${part}.`;
  return Object.fromEntries(
    Object.entries(errors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, message]) => [name.slice(prefix.length), message]),
  );
}
