import type {
  Campaign,
  CampaignSummary,
  Delivery,
  Domain,
  Field,
  Forecast,
  Import,
  ImportFigures,
  ImportKept,
  ImportMapping,
  ImportSample,
  ImportSampleKind,
  IssueWhole,
  List,
  Mailbox,
  Me,
  Newsletter,
  OutcomeCounts,
  Outcomes,
  Overview,
  Preflight,
  Provider,
  Relay,
  RelayFigures,
  RelayPace,
  RelaySite,
  Segment,
  Settings,
  SiteLimits,
  Stats,
  Subscriber,
  Template,
  Unsubscribe,
  WebhookSource,
} from '@/api/types';
import { starterHtml } from '@/ui/mail-editor/starter';

// A small world for tests: two lists, a campaign in each state, an import in each state. Times are relative to NOW.

const NOW = Date.now();
export const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();
const DAY = 86_400;

export const me: Me = { id: 1, email: 'ada@example.com', name: 'Ada Lovelace', scopes: ['*'] };

export const settings: Settings = {
  organization: 'Example Press',
  public_url: 'https://news.example.com',
  postal_address: '1 Main Street, Springfield',
  default_from_name: 'Example Press',
  default_from_email: 'news@example.com',
  time_zone: 'Europe/Berlin',
  tracking_url: '',
  honour_do_not_track: true,
  frequency_cap_mails: 0,
  frequency_cap_days: 7,
  preflight_spam: '',
  undo_send_seconds: 10,
};

export const segments: Segment[] = [
  {
    id: 1,
    name: 'Berliners',
    definition: { all: [{ type: 'field', field: 'city', op: 'is', value: 'Berlin' }] },
    sentence: 'City is Berlin',
    last_count: { count: 1_204, exact: true, at: ago(120) },
    created_at: ago(9 * 86_400),
    updated_at: ago(86_400),
  },
];

export const lists: List[] = [
  {
    id: 1,
    name: 'Newsletter',
    description: 'Monthly news for readers',
    public: true,
    created_at: ago(90 * DAY),
    updated_at: ago(DAY),
    counts: { subscribed: 12_140, unconfirmed: 86, unsubscribed: 412, suppressed: 136 },
    no_tracking: false,
    opt_in: 'single',
    time_zone: null,
  },
  {
    id: 2,
    name: 'Product updates',
    description: '',
    public: false,
    created_at: ago(40 * DAY),
    updated_at: ago(DAY),
    counts: { subscribed: 3_204, unconfirmed: 0, unsubscribed: 51, suppressed: 12 },
    no_tracking: true,
    opt_in: 'double',
    time_zone: null,
  },
];

const people = ['Ada Lovelace', 'Grace Hopper', 'Linus Pauling', 'Barbara Liskov', 'Edsger Dijkstra', 'Radia Perlman'];

export const subscribers: Subscriber[] = people.map((name, index) => ({
  id: index + 1,
  email: `${name.toLowerCase().replace(' ', '.')}@example.org`,
  name,
  attributes: { city: 'London', orders: index * 3, vip: index === 0 },
  created_at: ago((index + 3) * DAY),
  updated_at: ago(DAY),
  no_tracking: index === 1,
  suppressed:
    index === 2
      ? {
          email: 'linus.pauling@example.org',
          reason: 'bounce',
          source: 'campaign 2',
          detail: '550 5.1.1 <linus.pauling@example.org>: Recipient address rejected: User unknown',
          created_at: ago(2 * DAY),
        }
      : null,
  pause: index === 1 ? { until: ago(-30 * DAY), since: ago(2 * DAY), source: 'preference page, campaign 2' } : null,
  frequency: index === 1 ? { limit: 'weekly', since: ago(2 * DAY), source: 'preference page, campaign 2' } : null,
  subscriptions: [
    {
      list_id: 1,
      list_name: 'Newsletter',
      status: index === 3 ? 'unsubscribed' : 'subscribed',
      source: 'import 1',
      created_at: ago(20 * DAY),
      updated_at: ago(20 * DAY),
    },
    ...(index % 2 === 0
      ? [
          {
            list_id: 2,
            list_name: 'Product updates',
            status: 'unconfirmed' as const,
            source: 'form',
            created_at: ago(10 * DAY),
            updated_at: ago(10 * DAY),
          },
        ]
      : []),
  ],
}));

export const fields: Field[] = [
  { name: 'city', label: 'City', type: 'text', pending: null, created_at: ago(DAY), updated_at: ago(DAY) },
  { name: 'orders', label: '', type: 'number', pending: null, created_at: ago(DAY), updated_at: ago(DAY) },
  { name: 'vip', label: '', type: 'boolean', pending: null, created_at: ago(DAY), updated_at: ago(DAY) },
];

export const unsubscribes: Unsubscribe[] = [
  {
    id: 1,
    at: ago(2 * DAY),
    subscriber_id: 2,
    email: 'grace.hopper@example.org',
    campaign_id: 2,
    campaign_name: 'November newsletter',
    seq: 7,
    source: 'one-click',
    everything: false,
    list_names: ['Newsletter'],
    reason: 'too_often',
    comment: 'Twice a day is a bit much',
    reason_at: ago(2 * DAY),
    undone_at: null,
  },
];

export const noStats: Stats = {
  recipients: 0,
  queued: 0,
  waiting: 0,
  next_opens_at: null,
  claimed: 0,
  sent: 0,
  deferred: 0,
  bounced: 0,
  failed: 0,
  unconfirmed: 0,
  skipped: 0,
  excluded: 0,
  opens: { human: 0, machine: 0, unknown: 0 },
  unique_opens: { human: 0, machine: 0, unknown: 0 },
  clicks: { human: 0, machine: 0, unknown: 0 },
  unique_clicks: { human: 0, machine: 0, unknown: 0 },
  unsubscribes: 0,
  as_of: ago(0),
  rate_per_second: null,
  seconds_left: null,
  held_up: null,
};

export const runningStats: Stats = {
  ...noStats,
  recipients: 12_004,
  queued: 4_180,
  claimed: 120,
  sent: 7_530,
  deferred: 94,
  bounced: 61,
  failed: 3,
  unconfirmed: 2,
  skipped: 14,
  excluded: 222,
  opens: { human: 1_840, machine: 460, unknown: 92 },
  unique_opens: { human: 1_420, machine: 355, unknown: 71 },
  clicks: { human: 331, machine: 82, unknown: 16 },
  unique_clicks: { human: 260, machine: 65, unknown: 13 },
  unsubscribes: 9,
  rate_per_second: 42.5,
  seconds_left: 104,
};

export const finishedStats: Stats = {
  ...noStats,
  recipients: 3_192,
  sent: 3_160,
  bounced: 27,
  failed: 1,
  skipped: 4,
  excluded: 12,
  opens: { human: 2_410, machine: 602, unknown: 120 },
  unique_opens: { human: 1_480, machine: 370, unknown: 74 },
  clicks: { human: 512, machine: 128, unknown: 25 },
  unique_clicks: { human: 402, machine: 100, unknown: 20 },
  unsubscribes: 11,
};

const content = {
  preheader: 'What we made this month',
  from_name: 'Example Press',
  from_email: 'news@example.com',
  reply_to: '',
  html: starterHtml,
  text: '',
  template_id: null,
  relay_id: 1,
  relay_ids: [1] as number[],
  segment_ids: [] as number[],
  exclude_segment_ids: [] as number[],
  exclude_list_ids: [] as number[],
  ignore_frequency_cap: false,
  track_opens: true,
  track_clicks: true,
  unconfirmed_policy: 'hold',
  expires_after_hours: 72,
  max_bounce_percent: null,
  max_complaint_percent: null,
  kind: 'html',
  layout_id: null,
  inline_css: true,
  pause_reason: null,
  window: null,
  local_time: { enabled: false, zone_field: '', late: 'send' },
  ab_test: null,
  local_at: null,
  zones_invalid: 0,
  zones_missing: 0,
  undoable_until: null,
  issue: null,
  parent_id: null,
  run_no: 1,
  rerun_to: [] as string[],
  scheduled_at: null,
  started_at: null,
  finished_at: null,
  recipients: 0,
  excluded: 0,
  freezing: false,
  purpose: 'mailing',
} as const;

export const campaigns: (Campaign & { stats: Stats })[] = [
  {
    ...content,
    id: 4,
    name: 'December preview',
    status: 'draft',
    subject: 'A look at December, {{ subscriber.name }}',
    list_ids: [1],
    created_at: ago(2 * 3600),
    updated_at: ago(1800),
    stats: noStats,
  },
  {
    ...content,
    id: 3,
    name: 'November news',
    status: 'running',
    subject: 'November at Example Press',
    list_ids: [1],
    started_at: ago(180),
    recipients: 12_004,
    excluded: 222,
    created_at: ago(DAY),
    updated_at: ago(180),
    stats: runningStats,
  },
  {
    ...content,
    id: 2,
    name: 'Product update 4.2',
    status: 'finished',
    subject: 'Postboxes, now in blue',
    list_ids: [2],
    started_at: ago(6 * DAY),
    finished_at: ago(6 * DAY - 700),
    recipients: 3_192,
    excluded: 12,
    created_at: ago(7 * DAY),
    updated_at: ago(6 * DAY),
    stats: finishedStats,
  },
  {
    ...content,
    id: 1,
    name: 'Reader survey',
    status: 'paused',
    pause_reason: 'The relay “Own Postfix” refuses to log in: 535 5.7.8 Authentication failed',
    subject: 'Five questions for you',
    list_ids: [1, 2],
    started_at: ago(3600),
    recipients: 12_004,
    excluded: 222,
    created_at: ago(9 * DAY),
    updated_at: ago(3000),
    stats: { ...runningStats, rate_per_second: null, seconds_left: null, unconfirmed: 0, queued: 4182 },
  },
];

export function summary({ html: _, text: __, ...rest }: Campaign & { stats: Stats }): CampaignSummary {
  return rest;
}

export const deliveries: Delivery[] = (['sent', 'sent', 'bounced', 'deferred', 'sent', 'unconfirmed'] as const).map(
  (state, index) => ({
    campaign_id: 3,
    message: null,
    campaign_name: 'November news',
    seq: index + 1,
    subscriber_id: index + 1,
    email: subscribers[index]?.email ?? '',
    state,
    variant: null,
    attempts: state === 'deferred' ? 2 : 1,
    relay_id: 1,
    relay_name: 'Own Postfix',
    reply_code: state === 'bounced' ? 550 : state === 'deferred' ? 451 : state === 'unconfirmed' ? null : 250,
    reply_status:
      state === 'bounced' ? '5.1.1' : state === 'deferred' ? '4.7.1' : state === 'unconfirmed' ? null : '2.0.0',
    reply_text:
      state === 'bounced'
        ? 'Recipient address rejected: User unknown in virtual mailbox table'
        : state === 'deferred'
          ? 'Greylisted, please try again in 5 minutes'
          : state === 'unconfirmed'
            ? null
            : 'Ok: queued as 4XyZ12abcd',
    next_attempt_at: state === 'deferred' ? ago(-240) : null,
    waits: false,
    waits_until: null,
    updated_at: ago(60 + index),
    sent_at: state === 'sent' ? ago(60 + index) : null,
    skip_reason: null,
    message_id: `<c3.${index + 1}.k3j2h1@news.example.com>`,
    opens: { human: index === 0 ? 2 : 0, machine: index === 0 ? 1 : 0, unknown: 0 },
    clicks: { human: index === 0 ? 1 : 0, machine: 0, unknown: 0 },
    unsubscribed: false,
  }),
);

export const templates: Template[] = [
  {
    id: 1,
    name: 'Monthly newsletter',
    role: 'content',
    kind: 'html',
    layout_id: null,
    inline_css: true,
    preheader: '',
    version: 1,
    subject: 'News from {{ organization.name }}',
    html: starterHtml,
    text: '',
    created_at: ago(30 * DAY),
    updated_at: ago(3 * DAY),
  },
];

const noFigures: ImportFigures = {
  rows: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  rejected: 0,
  suppressed: 0,
  unsubscribed: 0,
  flagged: { typo: 0, role: 0, disposable: 0, no_mx: 0 },
};

/** A file whose third column is a field that there is, and whose fourth reads as two different dates. */
export const uploaded: Import = {
  ...noFigures,
  id: 3,
  list_id: 1,
  list_name: 'Newsletter',
  filename: 'readers-november.csv',
  status: 'uploaded',
  error: null,
  format: {
    kind: 'csv',
    compression: '',
    delimiter: ';',
    encoding: 'windows-1252',
    has_header: true,
    sheet: '',
    sheets: [],
  },
  columns: [
    {
      index: 0,
      header: 'E-Mail',
      samples: ['ada@example.org', 'grace@example.org', 'not an address'],
      suggested: { target: 'email' },
    },
    {
      index: 1,
      header: 'Full name',
      samples: ['Ada Lovelace', 'Grace Hopper', 'Jürgen Müller'],
      suggested: { target: 'name' },
    },
    {
      index: 2,
      header: 'City',
      samples: ['London', 'New York', 'Köln'],
      suggested: { target: 'attribute', attribute: 'city', type: 'text', remembered: true },
    },
    {
      index: 3,
      header: 'Customer since',
      samples: ['03/04/2025', '11/12/2024', ''],
      suggested: { target: 'attribute', attribute: 'customer_since', type: 'date', date_order: '' },
    },
    { index: 4, header: 'internal id', samples: ['17', '18', '19'], suggested: null },
  ],
  mapping: null,
  consent: '',
  created_by: 'admin',
  size_bytes: 1_204_311,
  read_bytes: 0,
  progress: 0,
  created_at: ago(60),
  started_at: null,
  finished_at: null,
  check: null,
  undo: null,
};

const mapped: ImportMapping = {
  columns: [
    { index: 0, target: 'email' },
    { index: 1, target: 'name' },
    { index: 2, target: 'attribute', attribute: 'city', type: 'text', date_order: '' },
    { index: 3, target: 'attribute', attribute: 'customer_since', type: 'date', date_order: 'dmy' },
    { index: 4, target: 'skip' },
  ],
  status: 'subscribed',
};

/** A file that was checked and waits for the start. */
export const checked: Import = {
  ...uploaded,
  id: 4,
  filename: 'members.xlsx',
  format: {
    ...uploaded.format,
    kind: 'xlsx',
    delimiter: '',
    encoding: '',
    sheet: 'Members',
    sheets: ['Members', 'Old'],
  },
  check: {
    rows: 1_000,
    created: 912,
    updated: 45,
    unchanged: 31,
    rejected: 12,
    suppressed: 7,
    unsubscribed: 14,
    flagged: { typo: 3, role: 12, disposable: 4, no_mx: 0 },
    status: 'done',
    error: null,
    mapping: mapped,
    finished_at: ago(30),
  },
};

const started: Import = { ...uploaded, mapping: mapped, consent: 'Sign-up form on our website' };

export const imports: Import[] = [
  uploaded,
  checked,
  {
    ...started,
    id: 2,
    filename: 'customers.csv',
    status: 'running',
    read_bytes: 770_759,
    rows: 8_400,
    created: 7_900,
    updated: 410,
    unchanged: 60,
    rejected: 30,
    suppressed: 4,
    progress: 0.64,
    started_at: ago(8),
  },
  {
    ...started,
    id: 1,
    filename: 'readers.csv',
    status: 'done',
    read_bytes: 1_204_311,
    rows: 12_190,
    created: 12_004,
    updated: 120,
    unchanged: 42,
    rejected: 24,
    suppressed: 17,
    unsubscribed: 9,
    progress: 1,
    started_at: ago(DAY),
    finished_at: ago(DAY - 9),
    created_at: ago(DAY),
  },
  {
    ...started,
    id: 5,
    filename: 'wrong-list.csv',
    status: 'undone',
    read_bytes: 1_204_311,
    rows: 530,
    created: 480,
    updated: 50,
    progress: 1,
    started_at: ago(2 * DAY),
    finished_at: ago(2 * DAY - 3),
    created_at: ago(2 * DAY),
    undo: {
      removed: 470,
      unsubscribed: 6,
      restored: 44,
      kept: 10,
      started_at: ago(DAY),
      finished_at: ago(DAY - 2),
    },
  },
];

/** The import that stands at a status. */
export function importThatIs(status: Import['status']): Import {
  const found = imports.find((one) => one.status === status);
  if (!found) throw new Error(`no import is ${status}`);
  return found;
}

export const importSamples: Record<ImportSampleKind, ImportSample[]> = {
  created: [
    {
      row: 2,
      email: 'ada@example.org',
      before: {},
      after: { name: 'Ada Lovelace', 'attributes.city': 'London', 'attributes.customer_since': '2025-04-03' },
      reason: '',
    },
    {
      row: 3,
      email: 'grace@example.org',
      before: {},
      after: { name: 'Grace Hopper', 'attributes.city': 'New York' },
      reason: '',
    },
  ],
  updated: [
    {
      row: 9,
      email: 'barbara.liskov@example.org',
      before: { list: null, 'attributes.city': 'London', 'attributes.vip': false },
      after: { list: 'subscribed', 'attributes.city': 'Los Angeles', 'attributes.vip': true },
      reason: '',
    },
    {
      row: 17,
      email: 'radia.perlman@example.org',
      before: { 'attributes.city': null },
      after: { 'attributes.city': 'Loudoun' },
      reason: '',
    },
  ],
  suppressed: [{ row: 31, email: 'linus.pauling@example.org', before: {}, after: {}, reason: 'bounce' }],
  unsubscribed: [{ row: 40, email: 'edsger@example.org', before: {}, after: {}, reason: '' }],
  flagged: [
    { row: 52, email: 'alan@gmial.com', before: {}, after: {}, reason: 'looks mistyped: gmail.com?' },
    { row: 53, email: 'info@example.org', before: {}, after: {}, reason: 'role address' },
  ],
};

export const importKept: ImportKept[] = [
  {
    subscriber_id: 1,
    email: 'ada.lovelace@example.org',
    what: 'person',
    reason: 'on a list by other means',
  },
  { subscriber_id: 2, email: 'grace.hopper@example.org', what: 'attributes.city', reason: 'changed since' },
];

const noOAuth = {
  provider: '',
  oauth_client_id: '',
  oauth_token_url: '',
  has_oauth_client_secret: false,
  has_oauth_refresh_token: false,
};

const noPlan = {
  per_second: null,
  per_minute: null,
  per_hour: null,
  per_day: null,
  warmup: null,
  window: null,
  blocked_until: null,
  blocked_reason: null,
  pace: null,
};

/** A relay that is not held up by anything, and was slowed down once. */
export const relayPace: RelayPace = {
  used_hour: 340,
  used_day: 2_100,
  warmup_cap: null,
  held_up: null,
  changes: [
    { at: ago(600), change: 'full_speed', connections: 10, until: null, reason: '', reply: '' },
    { at: ago(660), change: 'faster', connections: 9, until: null, reason: 'rate_limited', reply: '' },
    { at: ago(720), change: 'faster', connections: 8, until: null, reason: 'rate_limited', reply: '' },
    { at: ago(780), change: 'faster', connections: 6, until: null, reason: 'rate_limited', reply: '' },
    {
      at: ago(900),
      change: 'slower',
      connections: 5,
      until: ago(840),
      reason: 'rate_limited',
      reply: '450 4.2.1 The rate of messages is too high, try again in 60 seconds',
    },
  ],
};

export const relays: Relay[] = [
  {
    id: 1,
    name: 'Own Postfix',
    ...noOAuth,
    weight: 1,
    from_domains: [],
    recipient_sites: [],
    site_limits: false,
    kind: 'smtp',
    host: 'smtp.example.com',
    port: 587,
    tls: 'starttls',
    auth: 'auto',
    username: 'news',
    has_password: true,
    helo_name: '',
    max_connections: 10,
    max_messages_per_connection: 100,
    ...noPlan,
    per_minute: 3000,
    return_path: 'per_recipient',
    dkim: 'sign',
    signing_profile: 'default',
    status: 'active',
    pause_reason: null,
    in_use: true,
    created_at: ago(90 * DAY),
    updated_at: ago(DAY),
  },
  {
    id: 2,
    name: 'Built-in inbox',
    ...noOAuth,
    weight: 1,
    from_domains: [],
    recipient_sites: [],
    site_limits: false,
    kind: 'inbox',
    host: '127.0.0.1',
    port: 2525,
    tls: 'none',
    auth: 'none',
    username: '',
    has_password: false,
    helo_name: '',
    max_connections: 4,
    max_messages_per_connection: 1000,
    ...noPlan,
    return_path: 'per_recipient',
    dkim: 'sign',
    signing_profile: 'default',
    status: 'paused',
    pause_reason: null,
    in_use: false,
    created_at: ago(90 * DAY),
    updated_at: ago(DAY),
  },
];

const webhook = {
  needs_key: false,
  has_key: false,
  received: 0,
  reports: 0,
  refused: 0,
  last_received_at: null,
  last_error: null,
  last_error_at: null,
  topics: [],
  created_at: ago(90 * DAY),
  updated_at: ago(DAY),
};

/** One that receives, one without its key, and one of Amazon SES with a topic that waits. */
export const webhookSources: WebhookSource[] = [
  {
    ...webhook,
    id: 1,
    name: 'Postmark',
    provider: 'postmark',
    url: 'https://news.example.com/hooks/postmark/1/ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    received: 120,
    reports: 118,
    refused: 1,
    last_received_at: ago(60),
    last_error: 'the request is not valid JSON',
    last_error_at: ago(DAY),
  },
  {
    ...webhook,
    id: 2,
    name: 'Letters',
    provider: 'mailgun',
    url: 'https://news.example.com/hooks/mailgun/2/ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    needs_key: true,
  },
  {
    ...webhook,
    id: 3,
    name: 'Amazon SES',
    provider: 'ses',
    url: 'https://news.example.com/hooks/ses/3/ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    received: 1,
    last_received_at: ago(30),
    topics: [
      {
        arn: 'arn:aws:sns:eu-west-1:123456789012:bounces',
        asked_at: ago(30),
        accepted_at: null,
        confirmed_at: null,
        problem: null,
      },
    ],
  },
];

const ofMailbox = {
  ...noOAuth,
  tls: 'implicit' as const,
  allow_cleartext: false,
  auth: 'password' as const,
  has_password: true,
  folder: 'INBOX',
  clear_ignored: false,
  poll_minutes: 10,
  status: 'active' as const,
  wait_until: null,
  created_at: ago(90 * DAY),
  updated_at: ago(DAY),
};

/** A mailbox that is read as mail comes, and one whose password is wrong. */
export const mailboxes: Mailbox[] = [
  {
    ...ofMailbox,
    id: 1,
    name: 'Bounces',
    protocol: 'imap',
    host: 'imap.example.com',
    port: 993,
    username: 'bounces@example.com',
    after_taken: 'move',
    move_to: 'Postrider',
    reading: true,
    mode: 'idle',
    message_count: 12,
    checked_at: ago(240),
    next_check_at: null,
    problem: null,
    last_24_hours: { taken: 31, ignored: 4, foreign: 2, failed: 3, bytes_in: 412_000, bytes_out: 9_000 },
    retrying: 1,
    stuck: 0,
  },
  {
    ...ofMailbox,
    id: 2,
    name: 'Old account',
    protocol: 'pop3',
    host: 'pop.example.net',
    port: 995,
    username: 'old@example.net',
    after_taken: 'leave',
    move_to: '',
    reading: false,
    mode: null,
    message_count: null,
    checked_at: null,
    next_check_at: ago(-900),
    problem: {
      kind: 'bad_login',
      step: 'login',
      text: '-ERR [AUTH] Authentication failed.',
      remedy: 'The login was not accepted: check user name and password.',
      at: ago(60),
    },
    last_24_hours: { taken: 0, ignored: 0, foreign: 0, failed: 0, bytes_in: 90, bytes_out: 40 },
    retrying: 0,
    stuck: 0,
  },
];

const shipped = { relay_id: null, shipped: true };
const google = { per_minute: 300, per_hour: 12_000, in_flight: 20 };

/** Google as it came with the program, and Orange with a limit of a person's own. */
export const siteLimits: SiteLimits = {
  as_of: '2026-11',
  known: [
    { site: 'google', name: 'Google', mx: ['google.com', 'googlemail.com'], ...google },
    { site: 'orange', name: 'Orange', mx: ['orange.fr'], per_minute: 60, per_hour: 2_500, in_flight: 4 },
  ],
  items: [
    { site: 'google', relay_id: 1, shipped: false, per_minute: 30, per_hour: null, in_flight: 5 },
    { site: 'orange', relay_id: null, shipped: false, per_minute: 90, per_hour: 2_500, in_flight: 4 },
    { site: 'google', ...shipped, ...google },
  ],
};

const calm = { parked_until: null, halved: 0, misses: 0, put_off_until: null, reply: '' };

export const relaySites: RelaySite[] = [
  {
    ...calm,
    site: 'orange',
    in_flight: 0,
    most_in_flight: 4,
    per_minute: 30,
    parked_until: ago(-900),
    halved: 1,
    misses: 0,
    reply: '421 4.2.0 OFR_999 Too many connections',
  },
  { ...calm, site: 'google', in_flight: 3, most_in_flight: 5, per_minute: 30 },
  { ...calm, site: 'mx1.example.org,mx2.example.org', in_flight: 1, most_in_flight: null, per_minute: null },
];

const publicKey =
  'v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAwFvZ3m1rVJt4o8b7hQm0n1sV8mF3kZk2w9cG5uXo7dQeT6yqR1xL0pB4KcYvUe2HsJ9mNfDgWzTqAiOl';
const nextKey = 'v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqYp2';
const never = { seen_at: null, activated_at: null, retired_at: null, keep_until: null };

/** Five hours from now, because of the warm-up of a domain. */
export const forecast: Forecast = {
  starts_at: ago(0),
  messages: 12_004,
  ends_at: ago(-5 * 3600),
  decided_by: { limit: 'warmup', relay_id: null, domain_id: 1, name: 'example.com' },
};

/** A domain in the middle of a rotation, with one record of each state. */
export const domains: Domain[] = [
  {
    id: 1,
    domain: 'example.com',
    bounce_domain: 'bounce.example.com',
    warmup: null,
    window: null,
    health: 'different',
    checked_at: ago(240),
    checks: [
      {
        purpose: 'dkim',
        type: 'TXT',
        name: 'pr2k3xq._domainkey.example.com',
        expected: publicKey,
        found: [publicKey],
        status: 'ok',
        message: 'the key is published',
        explanation: 'The public key with which receivers check our signature.',
      },
      {
        purpose: 'dkim',
        type: 'TXT',
        name: 'pr3m7aa._domainkey.example.com',
        expected: nextKey,
        split: '"v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAO" "CAQ8AMIIBCgKCAQEAqYp2"',
        found: [],
        status: 'missing',
        message:
          'there is no TXT record at pr3m7aa._domainkey.example.com yet; a new record can take up to an hour to be seen',
        explanation: 'The public key with which receivers check our signature.',
      },
      {
        purpose: 'spf',
        type: 'TXT',
        name: 'bounce.example.com',
        expected: 'v=spf1 ip4:203.0.113.10 include:_spf.google.com ~all',
        found: ['v=spf1 ip4:203.0.113.10 ~all'],
        status: 'different',
        message: 'the SPF record is valid. Workspace (Google) is not included: add include:_spf.google.com',
        explanation: 'Says which servers may send with this domain as return path.',
      },
      {
        purpose: 'dmarc',
        type: 'TXT',
        name: '_dmarc.example.com',
        expected: '',
        found: ['v=DMARC1; p=reject; pct=20; rua=mailto:dmarc@example.com'],
        status: 'warning',
        message: 'there is a DMARC record; its policy is reject. pct=20 means nothing any more (RFC 9989)',
        explanation: 'Tells receivers what to do with mail that only pretends to be yours.',
      },
      {
        purpose: 'alignment',
        name: 'example.com',
        expected: '',
        found: [],
        status: 'ok',
        message: 'our signature carries d=example.com, the From domain itself, and is always aligned',
        explanation: 'The domain people see as the sender has to be the one that signed the mail.',
      },
      {
        purpose: 'bounce_mx',
        type: 'MX',
        name: 'bounce.example.com',
        expected: '',
        found: [],
        status: 'unknown',
        message: 'DNS could not be asked for bounce.example.com (no answer in time)',
        explanation: 'Where undeliverable mail comes back to.',
      },
      {
        purpose: 'ptr',
        type: 'PTR',
        name: '',
        expected: '',
        found: [],
        status: 'skipped',
        message: 'Workspace sends from addresses of Google, who names them',
        explanation: 'The name of the address that sends.',
      },
    ],
    keys: [
      {
        ...never,
        id: 1,
        selector: 'pr1abcd',
        algorithm: 'rsa2048',
        status: 'retired',
        record_name: 'pr1abcd._domainkey.example.com',
        record_value: publicKey,
        created_at: ago(60 * DAY),
        retired_at: ago(3 * DAY),
        keep_until: ago(-4 * DAY),
      },
      {
        ...never,
        id: 2,
        selector: 'pr2k3xq',
        algorithm: 'rsa2048',
        status: 'active',
        record_name: 'pr2k3xq._domainkey.example.com',
        record_value: publicKey,
        created_at: ago(4 * DAY),
        seen_at: ago(3 * DAY),
        activated_at: ago(3 * DAY),
      },
      {
        ...never,
        id: 3,
        selector: 'pr3m7aa',
        algorithm: 'rsa2048',
        status: 'pending',
        record_name: 'pr3m7aa._domainkey.example.com',
        record_value: nextKey,
        created_at: ago(300),
      },
    ],
    created_at: ago(60 * DAY),
  },
];

const days = Array.from({ length: 30 }, (_, index) => Math.floor(NOW / 1000) - (29 - index) * DAY);
const wave = (height: number, phase: number) =>
  days.map((_, index) => Math.max(0, Math.round(height * (1 + Math.sin(index / 2.2 + phase)))));

export const overview: Overview = {
  sending: { stopped: false, stopped_at: null, stopped_by: null, reason: null, resumed_at: null, resumed_by: null },
  subscribers: 15_208,
  lists: 2,
  sent_24h: 7_530,
  bounced_24h: 61,
  last_30_days: { sent: 72_000, bounced: 1_180, complaints: 31 },
  running: campaigns
    .filter((campaign) => campaign.status === 'running')
    .map(({ id, name, status, pause_reason, stats }) => ({ campaign: { id, name, status, pause_reason }, stats })),
  recent: campaigns
    .filter((campaign) => campaign.started_at !== null)
    .map(({ id, name, status, pause_reason, stats }) => ({ campaign: { id, name, status, pause_reason }, stats })),
  sent_by_day: {
    times: days,
    sent: wave(2400, 0),
    bounced: wave(40, 1),
    opens: { human: wave(900, 0.4), machine: wave(300, 0.4), unknown: wave(60, 0.4) },
    clicks: { human: wave(210, 0.6), machine: wave(70, 0.6), unknown: wave(20, 0.6) },
  },
  checklist: { relay: true, domain: true, list: true, campaign: false },
};

const noLimits = {
  connections: 0,
  messages_per_connection: 0,
  recipients_per_message: 0,
  per_second: 0,
  per_minute: 0,
  per_hour: 0,
  per_day: 0,
};

export const providers: Provider[] = [
  {
    id: 'mailbox',
    name: 'Example Mailbox',
    kind: 'mailbox',
    as_of: '2026-11',
    docs: 'https://mailbox.example/docs',
    hosts: [{ host: 'smtp.mailbox.example', region: '' }],
    endpoints: [
      { port: 465, tls: 'implicit' },
      { port: 587, tls: 'starttls' },
    ],
    auth: ['xoauth2', 'plain'],
    username: '',
    username_hint: 'The whole address',
    password_hint: 'An app password',
    needs: [{ text: 'Make an app password.', link: 'https://mailbox.example/app-passwords' }],
    oauth: { token_url: 'https://mailbox.example/token', scope: 'mail.send', docs: 'https://mailbox.example/oauth' },
    limits: {
      ...noLimits,
      connections: 3,
      per_day: 500,
      note: 'Over any 24 hours.',
      source: 'https://mailbox.example/limits',
    },
    quota: { text: 'Wait a day.', reopens_seconds: 86_400, extended: false },
    signing_profile: 'default',
    signs_itself: true,
    return_path: 'from',
    site_limits: false,
    reading: {
      name: 'Example Mailbox',
      servers: [
        { protocol: 'imap', host: 'imap.mailbox.example', region: '', port: 993, tls: 'implicit' },
        { protocol: 'pop3', host: 'pop.mailbox.example', region: '', port: 995, tls: 'implicit' },
      ],
      auth: ['password', 'xoauth2'],
      username_hint: 'The whole address',
      password_hint: 'An app password',
      needs: [{ text: 'Switch IMAP on.', link: 'https://mailbox.example/imap' }],
      scope: 'mail.read',
      poll_minutes: 15,
      limits: { connections: 15, imap_bytes_per_day: 0, pop3_bytes_per_day: 0, upload_bytes_per_day: 0, source: '' },
    },
  },
  {
    id: 'service',
    name: 'Example Service',
    kind: 'service',
    as_of: '2026-11',
    docs: 'https://service.example/docs',
    hosts: [
      { host: 'smtp.service.example', region: 'US' },
      { host: 'smtp.eu.service.example', region: 'EU' },
    ],
    endpoints: [{ port: 587, tls: 'starttls' }],
    auth: ['plain'],
    username: 'apikey',
    username_hint: 'Always the word apikey',
    password_hint: 'An API key',
    needs: [{ text: 'Make an API key.', link: 'https://service.example/keys' }],
    limits: { ...noLimits, note: 'Depends on the plan.', source: 'https://service.example/limits' },
    quota: { text: 'Change the plan.', reopens_seconds: 0, extended: false },
    signing_profile: 'ses',
    signs_itself: false,
    return_path: 'per_recipient',
    site_limits: false,
    reading: null,
  },
];

export const outcomeCounts: OutcomeCounts = {
  recipients: 100,
  accepted: 80,
  delivered: 70,
  refused: 5,
  came_back: 10,
  failed: 4,
  unconfirmed: 2,
  skipped: 3,
  waiting: 6,
  complaints: 1,
  unsubscribes: 2,
  opened: 30,
  clicked: 12,
};

export const outcomes: Outcomes = {
  as_of: ago(1),
  variants: [],
  total: outcomeCounts,
  reasons: [
    { outcome: 'came_back', reason: 'user_unknown', count: 10 },
    { outcome: 'refused', reason: 'user_unknown', count: 5 },
    { outcome: 'failed', reason: 'blocked', count: 4 },
  ],
  relays: [{ ...outcomeCounts, id: 1, name: 'Own Postfix' }],
  providers: [{ ...outcomeCounts, id: 'google', name: 'Google', domains: 3 }],
};

export const relayFigures: RelayFigures = {
  since: ago(DAY),
  accepted: 80,
  refused: 5,
  failed: 4,
  put_off: 7,
  came_back: 10,
  complaints: 1,
  reasons: [{ outcome: 'put_off', reason: 'greylisted', count: 7 }],
};

/** A check in which nothing is in the way. */
export const preflight: Preflight = {
  ran_at: ago(60),
  ran_by: 'ada@example.com',
  content_changed: false,
  would_block: false,
  unacknowledged: [],
  summary: { blocking: 0, warning: 0, info: 0 },
  findings: [],
  links: [],
  sizes: { html_bytes: 4_200, least_html_bytes: 4_200, message_bytes: 6_100, image_bytes: 0 },
  samples: 1,
  spam: null,
  support: { source: 'caniemail.com', updated: '2026-05-13', without: ['Yandex Mail'] },
};

/** A letter from a feed, not active yet. */
export const newsletter: Newsletter = {
  ...{ id: 1, name: 'Garden weekly', description: '', status: 'draft' },
  ...{ public: false, slug: 'garden-weekly', language: '', sign_up_url: '', indexed: false },
  ...{ list_ids: [1], segment_ids: [], exclude_segment_ids: [], exclude_list_ids: [], relay_ids: [1] },
  source: { kind: 'feed', url: 'https://garden.example/feed.xml' },
  content: {
    kind: 'html',
    layout_id: null,
    inline_css: true,
    subject: 'News',
    preheader: '',
    html: '<p>Hi</p>',
    text: '',
  },
  schedule: { rule: 'FREQ=WEEKLY;BYDAY=MO', zone: 'UTC', start: '2027-01-04T09:00', exdates: [] },
  schedule_description: {
    ...{ code: 'weekly', english: 'every Monday at 09:00', days: ['MO'], interval: 1, time: '09:00' },
    ...{ count: 0, month_days: [], months: [], nth: [], position: 0, until: '' },
  },
  rules: {
    ...{ approval: false, min_items: 1, max_items: 20, first_items: 0 },
    ...{ lead_minutes: 1440, deadline_minutes: 0, late_hours: 2, remind_to: [], reminder_hours: [] },
  },
  mailing: { from_name: 'Garden', from_email: 'garden@example.com' },
  ...{ pause_note: null, resumes_at: null, source_error: null, source_failing_since: null, source_fetched_at: null },
  ...{ activated_at: null, next_issue_at: null, next_run_at: null, skips: [] },
  ...{ created_at: ago(DAY), updated_at: ago(DAY) },
};

/** An issue whose campaign is the draft. */
export const issue: IssueWhole = {
  ...{ id: 1, newsletter_id: 1, campaign_id: 4, number: 1, date: '2027-01-04', state: 'ready' },
  ...{ reason: '', reason_code: '', approved_by: null, edited: false, items: [], log: [] },
  ...{ run_at: ago(-DAY), deadline: ago(-DAY), late_until: ago(-2 * DAY), started_at: null, updated_at: ago(60) },
};
