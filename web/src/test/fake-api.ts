import type { Campaign, Import, ImportPreview, ImportSampleKind, Page, Rendered } from '@/api/types';
import {
  ago,
  campaigns,
  deliveries,
  domains,
  fields,
  forecast,
  importKept,
  importSamples,
  imports,
  issue,
  lists,
  mailboxes,
  me,
  newsletter,
  outcomes,
  overview,
  preflight,
  providers,
  relayFigures,
  relayPace,
  relaySites,
  relays,
  segments,
  settings,
  siteLimits,
  subscribers,
  summary,
  templates,
  unsubscribes,
  webhookSources,
} from './fixtures';

// A stand-in for the server: enough of the contract to walk through every page. It keeps what the tests look at and nothing more.

export type FakeRequest = { method: string; path: string; query: URLSearchParams; body: unknown };
export type FakeResponse = { status: number; body: unknown; type?: string };
type Handler = (request: FakeRequest, ids: string[]) => FakeResponse;
export type FakeApi = {
  /** Every request that came, oldest first. */
  requests: FakeRequest[];
  handle: (request: FakeRequest) => FakeResponse;
  /** Puts another answer in front of the usual one, e.g. on("GET /lists", …). */
  on: (route: string, handler: Handler) => void;
};

const ok = (body: unknown): FakeResponse => ({ status: 200, body });
const page = <T>(items: T[], total = items.length): FakeResponse =>
  ok({ items, next_cursor: null, total } satisfies Page<T>);
export const problem = (status: number, detail: string, errors: { message: string; location?: string }[] = []) => ({
  status,
  body: { title: 'Problem', status, detail, errors },
  type: 'application/problem+json',
});
const find = <T extends { id: number }>(items: T[], id: string | undefined): FakeResponse => {
  const found = items.find((item) => item.id === Number(id));
  return found ? ok(found) : problem(404, `There is nothing with the number ${id}.`);
};
const sse = (data: unknown): FakeResponse => ({
  status: 200,
  body: `retry: 60000\nevent: progress\ndata: ${JSON.stringify(data)}\n\n`,
  type: 'text/event-stream',
});
const merged = (item: object | undefined, body: unknown) => ok({ ...item, ...(body as object) });

function preview(): ImportPreview {
  return {
    rows: [
      { row: 2, email: 'ada@example.org', name: 'Ada Lovelace', attributes: { city: 'London' }, problems: [] },
      { row: 3, email: 'grace@example.org', name: 'Grace Hopper', attributes: { city: 'New York' }, problems: [] },
      {
        row: 4,
        email: 'not an address',
        name: '',
        attributes: { city: 'Paris' },
        problems: [{ column: 'E-Mail', message: 'has no @' }],
      },
    ],
    ok: 2,
    rejected: 1,
  };
}

function render(body: unknown): Rendered {
  const { subject, html, text } = body as { subject: string; html: string; text: string };
  const fill = (source: string) => source.replace(/\{\{\s*subscriber\.name[^}]*\}\}/g, 'Ada Lovelace');
  return {
    subject: fill(subject),
    html: fill(html),
    text: text || 'Hello Ada Lovelace\n\nWrite your news here.\n\nUnsubscribe: https://news.example.com/u/…',
    text_generated: text === '',
    size_bytes: html.length,
    links: ['https://example.com'],
    warnings: [{ code: 'image_alt', part: 'html', message: 'An image has no alternative text.', line: 12 }],
    fields: ['subscriber.name'],
  };
}

const byActor = (human: number[]) => ({ human, machine: human.map((n) => n >> 1), unknown: human.map(() => 0) });

const timeline = () => {
  const start = Math.floor(Date.now() / 1000) - 1800;
  const times = Array.from({ length: 30 }, (_, index) => start + index * 60);
  return {
    times,
    sent: times.map((_, index) => 240 + ((index * 37) % 60)),
    bounced: times.map((_, index) => index % 5),
    deferred: times.map((_, index) => index % 7),
    opens: byActor(times.map((_, index) => index * 3)),
    clicks: byActor(times.map((_, index) => index)),
  };
};

const byId = (id: string | undefined) => campaigns.find((campaign) => campaign.id === Number(id));
const turned = (id: string | undefined, change: Partial<Campaign>) => ok({ ...byId(id), ...change });
const job = (id: string | undefined, change: Partial<Import> = {}) =>
  ok({ ...imports.find((one) => one.id === Number(id)), ...change });

const routes: Record<string, Handler> = {
  'GET /setup': () => ok({ needed: false, version: 'test' }),
  'POST /setup': () => ({ status: 201, body: me }),
  'GET /me': () => ok(me),
  'POST /me/password': () => ({ status: 204, body: undefined }),
  'POST /session': () => ok(me),
  'DELETE /session': () => ({ status: 204, body: undefined }),
  'GET /settings': () => ok(settings),
  'PUT /settings': ({ body }) => ok(body),
  'GET /api-keys': () =>
    page([
      {
        id: 1,
        name: 'Website form',
        prefix: 'pr_a1b2',
        scopes: ['audience:write'],
        created_at: ago(864_000),
        last_used_at: ago(300),
      },
    ]),
  'POST /api-keys': ({ body }) => ok({ id: 2, ...(body as object), key: 'pr_0123456789abcdef', prefix: 'pr_0123' }),
  'GET /system': () =>
    ok({
      version: '0.1.0',
      uptime_seconds: 93_784,
      database: 'private',
      postgres_version: '15.14',
      nodes: [{ id: 'n1', host: 'mail-1', started_at: ago(93_784), seen_at: ago(3) }],
      inbox: true,
    }),
  'GET /overview': () => ok(overview),
  'GET /sending': () => ok(overview.sending),

  'GET /lists': () => page(lists),
  'POST /lists': ({ body }) => ({ status: 201, body: { ...lists[0], id: 3, ...(body as object) } }),
  'GET /lists/:id': (_, [id]) => find(lists, id),
  'PUT /lists/:id': ({ body }, [id]) =>
    merged(
      lists.find((list) => list.id === Number(id)),
      body,
    ),
  'PUT /lists/:id/public': ({ body }, [id]) =>
    merged(
      lists.find((list) => list.id === Number(id)),
      body,
    ),
  'GET /subscribers': ({ query }) => {
    const q = query.get('q')?.toLowerCase() ?? '';
    return page(subscribers.filter((one) => `${one.email} ${one.name}`.toLowerCase().includes(q)));
  },
  'POST /subscribers': ({ body }) => ({ status: 201, body: { ...subscribers[0], ...(body as object) } }),
  'GET /subscribers/:id': (_, [id]) => find(subscribers, id),
  'PUT /subscribers/:id': ({ body }, [id]) =>
    merged(
      subscribers.find((one) => one.id === Number(id)),
      body,
    ),
  'GET /subscribers/:id/deliveries': () => page(deliveries.slice(0, 3)),
  'GET /subscribers/:id/events': () => page(events()),
  'GET /subscribers/:id/unsubscribes': () => page(unsubscribes),
  'DELETE /subscribers/:id/pause': (_, [id]) =>
    merged(
      subscribers.find((one) => one.id === Number(id)),
      { pause: null },
    ),
  'GET /fields': () => ok({ items: fields }),
  'GET /subscribers/:id/consents': () => ok({ items: [] }),
  'GET /subscribers/:id/timeline': () => page([]),
  'GET /suppressions': () =>
    page([
      {
        email: 'linus.pauling@example.org',
        reason: 'bounce',
        source: 'campaign 2',
        detail: '550 5.1.1 Recipient address rejected: User unknown',
        created_at: ago(172_800),
      },
      { email: 'upset@example.net', reason: 'complaint', source: 'feedback loop', detail: '', created_at: ago(9_000) },
    ]),

  'GET /imports': () => page(imports),
  'POST /imports': () => ({ status: 201, body: imports[0] }),
  'GET /imports/encodings': () =>
    ok({
      items: [
        { name: 'utf-8', label: 'UTF-8' },
        { name: 'windows-1252', label: 'Windows-1252 (Western)' },
        { name: 'windows-1251', label: 'Windows-1251 (Cyrillic)' },
      ],
    }),
  'GET /imports/:id': (_, [id]) => find(imports, id),
  'GET /imports/:id/progress': (_, [id]) => sse(imports.find((one) => one.id === Number(id))),
  'POST /imports/:id/preview': () => ok(preview()),
  'PUT /imports/:id/format': ({ body }, [id]) => {
    const format = imports.find((one) => one.id === Number(id))?.format;
    return job(id, { format: { ...format, ...(body as object) } as Import['format'] });
  },
  'POST /imports/:id/check': (_, [id]) => job(id, { status: 'checking' }),
  'DELETE /imports/:id/check': (_, [id]) => job(id, { check: null }),
  'GET /imports/:id/samples': ({ query }) => page(importSamples[query.get('kind') as ImportSampleKind]),
  'POST /imports/:id/undo': (_, [id]) => job(id, { status: 'undoing' }),
  'GET /imports/:id/kept': () => page(importKept),
  'POST /imports/:id/start': (_, [id]) => job(id, { status: 'queued' }),
  'POST /imports/:id/cancel': (_, [id]) => job(id, { status: 'cancelled' }),
  'GET /imports/:id/errors': () =>
    page([
      { row: 14, column: 'E-Mail', value: 'not an address', reason: 'has no @' },
      { row: 208, column: 'E-Mail', value: 'x@example..org', reason: 'the domain has two dots in a row' },
    ]),

  'GET /segments': () => page(segments),
  'GET /segments/vocabulary': () => ok({ fields: [{ name: 'city', label: 'City', type: 'text' }] }),
  'GET /segments/:id': (_, [id]) => find(segments, id),
  'POST /segments': ({ body }) => ({ status: 201, body: { ...segments[0], id: 2, ...(body as object) } }),
  'POST /segments/count': () =>
    ok({ count: 1_204, exact: true, low: 1_204, high: 1_204, of: 4_000, sentence: 'City is Berlin', at: ago(0) }),
  'POST /segments/sample': () =>
    ok({ items: [{ id: 1, email: 'ada@example.org', name: 'Ada Lovelace', attributes: {} }] }),
  'POST /campaigns/audience': () =>
    ok({ subscribed: 100, mailable: 90, exact: true, excluded: [{ reason: 'not_in_segment', count: 10 }] }),

  'GET /templates': () => page(templates),
  'GET /templates/:id': (_, [id]) => find(templates, id),
  'PUT /templates/:id': ({ body }, [id]) =>
    merged(
      templates.find((one) => one.id === Number(id)),
      body,
    ),
  'POST /render': ({ body }) => ok(render(body)),
  'GET /merge-tags': () =>
    ok({
      items: [
        { tag: 'subscriber.name', label: 'Name', example: 'Ada Lovelace' },
        { tag: 'subscriber.email', label: 'Email address', example: 'ada@example.org' },
        { tag: 'unsubscribe_url', label: 'Unsubscribe link', example: '' },
      ],
    }),

  'GET /campaigns': ({ query }) => {
    const status = query.get('status');
    return page(campaigns.filter((one) => !status || one.status === status).map(summary));
  },
  'POST /campaigns': ({ body }) => ({ status: 201, body: { ...campaigns[0], ...(body as object) } }),
  'GET /campaigns/:id': (_, [id]) => find(campaigns, id),
  'PUT /campaigns/:id': ({ body }, [id]) => merged(byId(id), body),
  'GET /campaigns/:id/audience': () =>
    ok({
      subscribed: 12_140,
      mailable: 12_004,
      exact: true,
      excluded: [
        { reason: 'suppressed', count: 136 },
        { reason: 'unconfirmed', count: 86 },
      ],
    }),
  'GET /newsletters/:id': () => ok(newsletter),
  'PUT /newsletters/:id': ({ body }) => ok({ ...newsletter, ...(body as object), kept: [] }),
  'POST /newsletters/:id/activate': () => ok({ ...newsletter, status: 'active' }),
  'POST /newsletters/:id/pause': () => ok({ ...newsletter, status: 'paused' }),
  'GET /newsletters/:id/issues': () => page([issue]),
  'GET /newsletters/:id/runs': () => ok({ items: [] }),
  'GET /issues/:id': () => ok(issue),
  'PUT /issues/:id/content': () => ok({ ...issue, edited: true }),
  'POST /campaigns/:id/start': (_, [id]) => turned(id, { status: 'running', started_at: ago(0) }),
  'POST /campaigns/:id/schedule': ({ body }, [id]) =>
    turned(id, { status: 'scheduled', scheduled_at: (body as { at: string }).at }),
  'POST /campaigns/:id/unschedule': (_, [id]) => turned(id, { status: 'draft', scheduled_at: null }),
  'POST /campaigns/:id/pause': (_, [id]) => turned(id, { status: 'paused' }),
  'POST /campaigns/:id/resume': (_, [id]) => turned(id, { status: 'running' }),
  'POST /campaigns/:id/cancel': (_, [id]) => turned(id, { status: 'cancelled' }),
  'POST /campaigns/:id/test': ({ body }) =>
    ok({
      results: (body as { to: string[] }).to.map((to) => ({
        to,
        relay_id: relays[0]?.id,
        relay_name: relays[0]?.name,
        ok: true,
        reply: '250 2.0.0 Ok: queued',
        code: 250,
      })),
    }),
  'POST /campaigns/:id/unconfirmed': () => ok({ changed: 2 }),
  'GET /campaigns/:id/stats': (_, [id]) => ok(byId(id)?.stats),
  'GET /campaigns/:id/progress': (_, [id]) => {
    const campaign = byId(id);
    return sse({
      campaign: { id: campaign?.id, status: campaign?.status, pause_reason: campaign?.pause_reason },
      stats: campaign?.stats,
    });
  },
  'GET /campaigns/:id/timeline': () => ok(timeline()),
  'GET /campaigns/:id/links': () =>
    ok({
      items: [
        {
          id: 1,
          url: 'https://example.com/november',
          clicks: { human: 261, machine: 65, unknown: 13 },
          unique_clicks: { human: 204, machine: 40, unknown: 10 },
        },
        {
          id: 2,
          url: 'https://example.com/shop?utm_source=mail',
          clicks: { human: 70, machine: 17, unknown: 3 },
          unique_clicks: { human: 61, machine: 12, unknown: 3 },
        },
      ],
    }),
  'GET /campaigns/:id/unsubscribe-reasons': () =>
    ok({
      items: [
        { reason: 'too_often', count: 1 },
        { reason: 'other', count: 0 },
        { reason: null, count: 3 },
      ],
    }),
  'GET /campaigns/:id/unsubscribes': () => page(unsubscribes),
  'GET /campaigns/:id/deliveries': ({ query }) => {
    const state = query.get('state');
    return page(deliveries.filter((one) => !state || one.state === state));
  },
  'GET /campaigns/:id/deliveries/:seq': (_, [, seq]) => {
    const delivery = deliveries.find((one) => one.seq === Number(seq));
    return ok({
      ...delivery,
      queued_at: ago(700),
      first_tried_at: ago(600),
      attempts_log: attempts(),
      reports: [],
      events: events(),
    });
  },
  'GET /campaigns/:id/outcomes': () => ok(outcomes),
  'GET /reports': () => page([]),
  'GET /lists/:id/stats': () => page([]),
  'GET /lists/:id/growth': () => ok({ times: [0], joined: [3], left: [1], suppressed: [0] }),
  'GET /relays/:id/stats': () => ok({ day: relayFigures, month: relayFigures }),
  'GET /campaigns/:id/preflight': () => ok(preflight),
  'POST /campaigns/:id/preflight': () => ok(preflight),
  'GET /campaigns/:id/forecast': () => ok(forecast),
  'GET /campaigns/:id/exclusions': () =>
    page([{ subscriber_id: 3, email: 'linus.pauling@example.org', reason: 'suppressed' }]),

  'GET /relays': () => page(relays),
  'GET /providers': () => page(providers),
  'POST /relays': ({ body }) => ({ status: 201, body: { ...relays[0], id: 3, ...(body as object) } }),
  'GET /relays/:id': (_, [id]) => find(relays, id),
  'PUT /relays/:id': ({ body }, [id]) =>
    merged(
      relays.find((one) => one.id === Number(id)),
      body,
    ),
  'GET /relays/:id/pace': () => ok(relayPace),
  'GET /relays/:id/forecast': () => ok(forecast),
  'GET /relays/:id/sites': () => page(relaySites),
  'GET /mailboxes': () => page(mailboxes),
  'POST /mailboxes': ({ body }) => ({ status: 201, body: { ...mailboxes[0], id: 3, ...(body as object) } }),
  'GET /mailboxes/:id': (_, [id]) => find(mailboxes, id),
  'GET /mailboxes/:id/messages': () =>
    page([
      {
        uid: '4711',
        state: 'retry',
        attempts: 2,
        error: 'internal error: the log says more',
        next_at: ago(-120),
        at: ago(60),
      },
    ]),
  'POST /mailboxes/:id/check': (_, [id]) => find(mailboxes, id),
  'POST /mailboxes/:id/test': () => ok(mailboxTest()),
  'POST /mailboxes/test': () => ok(mailboxTest()),
  'DELETE /mailboxes/:id': () => ({ status: 204, body: null }),
  'GET /site-limits': () => ok(siteLimits),
  'PUT /site-limits': () => ok(siteLimits),
  'GET /webhook-sources': () => page(webhookSources),
  'POST /webhook-sources': ({ body }) => ({ status: 201, body: { ...webhookSources[0], ...(body as object) } }),
  'GET /webhook-sources/:id': (_, [id]) => find(webhookSources, id),
  'PUT /webhook-sources/:id': (_, [id]) => find(webhookSources, id),
  'POST /webhook-sources/:id/renew': (_, [id]) => find(webhookSources, id),
  'POST /webhook-sources/:id/topics/accept': (_, [id]) => find(webhookSources, id),
  'POST /webhook-sources/:id/topics/remove': (_, [id]) => find(webhookSources, id),
  'POST /relays/:id/resume': (_, [id]) => find(relays, id),
  'POST /relays/test': () => ok(relayTest()),
  'POST /relays/:id/test': () => ok(relayTest()),
  'GET /domains': () => page(domains),
  'GET /domains/:id': (_, [id]) => find(domains, id),
  'PUT /domains/:id': ({ body }, [id]) =>
    merged(
      domains.find((one) => one.id === Number(id)),
      body,
    ),
  'GET /domains/:id/pace': () => ok({ used_day: 120, warmup_cap: 169, held_up: null }),
  'GET /domains/:id/forecast': () => ok(forecast),
  'POST /domains/:id/check': (_, [id]) => find(domains, id),
  'POST /domains/:id/keys': (_, [id]) => find(domains, id),
  'GET /inbox': () => ok({ enabled: true, address: '127.0.0.1:2525', total: 2 }),
  'GET /inbox/messages': () => page([inboxItem(1), inboxItem(2)]),
  'GET /inbox/messages/:id': (_, [id]) =>
    ok({
      ...inboxItem(Number(id)),
      headers: [
        { name: 'Subject', value: 'November at Example Press' },
        { name: 'List-Unsubscribe', value: '<https://news.example.com/u/abc>' },
      ],
      html: '<h1>Hello Ada</h1><p>News.</p>',
      text: 'Hello Ada\n\nNews.',
      raw: 'Subject: November at Example Press\r\n\r\nHello Ada',
      dkim_detail: 'rsa-sha256, example.com, selector pr202611',
    }),
};

function events() {
  return [
    {
      id: 2,
      at: ago(40),
      kind: 'click',
      campaign_id: 3,
      seq: 1,
      subscriber_id: 1,
      url: 'https://example.com/november',
      detail: null,
      user_agent: 'Mozilla/5.0 (Macintosh)',
      actor: 'human',
      rule: null,
    },
    {
      id: 1,
      at: ago(50),
      kind: 'open',
      campaign_id: 3,
      seq: 1,
      subscriber_id: 1,
      url: null,
      detail: null,
      user_agent: 'Mozilla/5.0',
      actor: 'machine',
      rule: 'prefetch',
    },
  ];
}

function attempts() {
  return [
    {
      attempt: 1,
      at: ago(90),
      relay_name: 'Own Postfix',
      outcome: 'deferred',
      reply_code: 451,
      reply_status: '4.7.1',
      reply_text: 'Greylisted, please try again in 5 minutes',
      reason: 'greylisted',
      fault: 'recipient server',
    },
    {
      attempt: 2,
      at: ago(60),
      relay_name: 'Own Postfix',
      outcome: 'sent',
      reply_code: 250,
      reply_status: '2.0.0',
      reply_text: 'Ok: queued as 4XyZ12abcd',
      reason: null,
      fault: null,
    },
  ];
}

function relayTest() {
  return {
    ok: false,
    steps: [
      { step: 'connect', ok: true, detail: '220 smtp.example.com ESMTP Postfix', ms: 12 },
      { step: 'greeting', ok: true, detail: 'greeted, and answered EHLO', ms: 9 },
      { step: 'tls', ok: true, detail: 'TLS 1.3, certificate for smtp.example.com valid until 3 March', ms: 31 },
      { step: 'auth', ok: false, detail: '535 5.7.8 Error: authentication failed', ms: 204 },
    ],
    remedy: 'User name or password is not right. Some providers want an app password here instead of the usual one.',
    tls: 'TLS 1.3',
    extensions: ['PIPELINING', 'SIZE 10240000', '8BITMIME'],
  };
}

function mailboxTest() {
  return {
    ok: false,
    steps: [
      { step: 'connect', ok: true, detail: 'connected to 192.0.2.1:993', ms: 12 },
      { step: 'login', ok: false, detail: 'NO [AUTHENTICATIONFAILED] IMAP is disabled', ms: 204 },
    ],
    kind: 'access_off',
    remedy: 'IMAP is switched off in the account: switch it on in its settings.',
    provider: 'Example Mailbox',
    notes: [],
  };
}

function inboxItem(id: number) {
  return {
    id,
    received_at: ago(60 * id),
    from: 'Example Press <news@example.com>',
    to: subscribers[id]?.email ?? '',
    subject: 'November at Example Press',
    size: 18_204,
    dkim: id === 1 ? 'pass' : 'none',
  };
}

function match(pattern: string, key: string): string[] | null {
  const expression = new RegExp(`^${pattern.replace(/:[a-z]+/g, '([^/]+)')}$`);
  const found = expression.exec(key);
  return found ? found.slice(1) : null;
}

export function createFakeApi(): FakeApi {
  const overrides: [string, Handler][] = [];
  const requests: FakeRequest[] = [];
  return {
    requests,
    on: (route, handler) => overrides.unshift([route, handler]),
    handle: (request) => {
      requests.push(request);
      const key = `${request.method} ${request.path}`;
      for (const [pattern, handler] of [...overrides, ...Object.entries(routes)]) {
        const ids = match(pattern, key);
        if (ids) return handler(request, ids);
      }
      if (request.method === 'DELETE') return { status: 204, body: undefined };
      return problem(404, `The stand-in does not know ${key}.`);
    },
  };
}

/** A fetch that is answered by the stand-in. */
export function fakeFetch(fake: FakeApi): typeof fetch {
  return async (input, init) => {
    const url = new URL(String(input), 'http://postrider.test');
    const { status, body, type } = fake.handle({
      method: init?.method ?? 'GET',
      path: url.pathname.replace(/^\/api\/v1/, ''),
      query: url.searchParams,
      body: typeof init?.body === 'string' ? JSON.parse(init.body) : undefined,
    });
    const text = body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body);
    return new Response(text, { status, headers: { 'Content-Type': type ?? 'application/json' } });
  };
}
