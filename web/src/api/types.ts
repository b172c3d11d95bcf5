import type { components } from './schema.gen';

// The names by which the interface calls the shapes of the API. The shapes themselves are generated from the server's OpenAPI document.

type Schemas = components['schemas'];

/** One page of any list of the API. */
export type Page<T> = {
  items: T[];
  next_cursor: string | null;
  prev_cursor?: string;
  total?: number;
  total_exact?: boolean;
};

export type Setup = Schemas['SetupState'];
export type Me = Schemas['Me'];
export type Settings = Schemas['Settings'];
export type ApiKey = Schemas['APIKey'];
export type NewApiKey = Schemas['NewKey'];

export type List = Schemas['List'];
export type Subscription = Schemas['Subscription'];
export type SubscriptionStatus = Subscription['status'];
export type Subscriber = Schemas['Subscriber'];
export type Suppression = Schemas['Suppression'];
export type SuppressionReason = Suppression['reason'];

/** What a custom field holds; a list is several texts. */
export type FieldType = 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'list';
export type Field = { name: string; label: string; type: FieldType; created_at: string; updated_at: string };

export type ImportStatus =
  | 'uploaded'
  | 'checking'
  | 'queued'
  | 'running'
  | 'done'
  | 'failed'
  | 'cancelled'
  | 'undoing'
  | 'undone';
export type ImportFormat = {
  kind: 'csv' | 'xlsx';
  compression: '' | 'gzip';
  delimiter: string;
  encoding: string;
  has_header: boolean;
  /** The sheet that is read, and all that there are; empty for text. */
  sheet: string;
  sheets: string[];
};
/** What is corrected in how a file is read; what is left out stays as it is. */
export type ImportFormatInput = Partial<Pick<ImportFormat, 'delimiter' | 'encoding' | 'has_header' | 'sheet'>>;
export type ImportEncoding = { name: string; label: string };
export type ColumnTarget = 'email' | 'name' | 'attribute' | 'skip';
export type DateOrder = '' | 'dmy' | 'mdy' | 'ymd';
export type ColumnSuggestion = {
  target: ColumnTarget;
  attribute?: string;
  type?: FieldType | '';
  date_order?: DateOrder;
  /** Taken from an earlier import of a file with the same columns. */
  remembered?: boolean;
};
export type ImportColumn = { index: number; header: string; samples: string[]; suggested: ColumnSuggestion | null };
export type ColumnMapping = {
  index: number;
  target: ColumnTarget;
  attribute?: string;
  type?: FieldType | '';
  date_order?: DateOrder;
};
/** What an address can be pointed out for. */
export type ImportFlag = 'typo' | 'role' | 'disposable' | 'no_mx';
/** Which addresses are looked for beside their syntax: the first three unless false, the domain's mail servers when true. */
export type ImportLooks = {
  flag_typos?: boolean;
  flag_roles?: boolean;
  flag_disposable?: boolean;
  check_mx?: boolean;
  /** Flags with which a row is left out instead of pointed out. */
  reject_flagged?: ImportFlag[];
};
export type ImportMapping = ImportLooks & { columns: ColumnMapping[]; status: 'subscribed' | 'unconfirmed' };
/** Addresses that were taken and deserve a look. */
export type ImportFlags = Record<ImportFlag, number>;
export type ImportFigures = {
  /** The sum of the next four. */
  rows: number;
  created: number;
  updated: number;
  unchanged: number;
  rejected: number;
  suppressed: number;
  unsubscribed: number;
  flagged?: ImportFlags;
};
export type ImportCheck = ImportFigures & {
  status: 'running' | 'done' | 'failed';
  error: string | null;
  mapping: ImportMapping;
  finished_at: string | null;
};
export type ImportUndo = {
  removed: number;
  unsubscribed: number;
  restored: number;
  kept: number;
  started_at: string;
  finished_at: string | null;
};
export type Import = ImportFigures & {
  id: number;
  list_id: number;
  list_name: string;
  filename: string;
  status: ImportStatus;
  error: string | null;
  format: ImportFormat;
  columns: ImportColumn[];
  mapping: ImportMapping | null;
  consent: string;
  /** "admin" in the browser, "api" by REST, empty when it is not known. */
  created_by: string;
  size_bytes: number;
  read_bytes: number;
  progress: number;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  check: ImportCheck | null;
  undo: ImportUndo | null;
};
export type ImportPreview = Schemas['Preview'];
export type ImportPreviewRow = Schemas['PreviewRow'];
export type ImportError = Schemas['ImportError'];
export type ImportSampleKind = 'created' | 'updated' | 'suppressed' | 'unsubscribed' | 'flagged';
/** A row of the file and what it does to a person: the values of before and after that differ. */
export type ImportSample = {
  row: number;
  email: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  reason: string;
};
/** Somebody whom an undo left as they are, and why. */
export type ImportKept = { subscriber_id: number; email: string; what: string; reason: string };

export type Template = Schemas['Template'];
export type RenderRequest = Schemas['RenderInput'];
export type Rendered = Schemas['Rendered'];
export type RenderWarning = Schemas['Warning'];
export type MergeTag = Schemas['MergeTag'];

export type Campaign = Schemas['Campaign'];
export type CampaignStatus = Campaign['status'];
/** What the form of a campaign edits. */
export type CampaignInput = Required<Schemas['CampaignInput']>;
export type CampaignSummary = Schemas['CampaignSummary'];
export type Audience = Schemas['Audience'];
export type Exclusion = Schemas['Exclusion'];
export type TestResult = Schemas['TestResult'];
export type Holdup = Schemas['Holdup'];
export type Stats = Schemas['Stats'];
export type Tally = Schemas['Tally'];
export type CampaignProgress = Schemas['CampaignProgress'];
export type Timeline = Schemas['Timeline'];
export type LinkStat = Schemas['Link'];
export type Delivery = Schemas['Delivery'];
export type DeliveryState = Delivery['state'];
export type DeliveryStory = Schemas['DeliveryStory'];
export type Attempt = Schemas['Attempt'];
export type Event = Schemas['Event'];
export type Unsubscribe = Schemas['Unsubscribe'];
export type ReasonCount = Schemas['ReasonCount'];
export type Report = Schemas['Report'];
export type ReportKind = Report['kind'];
export type ReportAction = Report['action'];
export type ReportWithRaw = Schemas['ReportWithRaw'];
export type OutcomeCounts = Schemas['OutcomeCounts'];
export type Outcomes = Schemas['Outcomes'];
export type OutcomeReason = Schemas['Reason'];
export type ProviderOutcomes = Schemas['ProviderOutcomes'];
export type RelayOutcomes = Schemas['RelayOutcomes'];
export type ListOutcomes = Schemas['ListOutcomes'];
export type ListGrowth = Schemas['ListGrowth'];
export type RelayFigures = Schemas['RelayFigures'];
export type RelayStats = Schemas['RelayStats'];

/** The server always sends every field; its document leaves open those that a request may leave out. */
export type Relay = Required<Omit<Schemas['Relay'], keyof SendingPlan>> & SendingPlan;
export type RelayTls = Relay['tls'];
/** A daily cap that grows; a zone that is left out means UTC. */
export type Warmup = Required<NonNullable<Schemas['Warmup']>>;
/** When mail may go out; a zone that is left out means UTC. */
export type SendingWindow = Required<NonNullable<Schemas['Window']>>;
export type Pace = Schemas['Pace'];
export type PaceChange = Schemas['PaceChange'];
/** When, and how much in a day, may go out through a relay or from a domain. */
export type SendingPlan = { warmup: Warmup | null; window: SendingWindow | null };
export type RelayPace = Schemas['RelayPace'];
export type Forecast = Schemas['Forecast'];
export type Decider = Schemas['Decider'];
type RelaySecrets = 'password' | 'oauth_client_secret' | 'oauth_refresh_token';
/** What the form of a relay edits; secrets are sent only when they were typed. */
export type RelayInput = Required<Omit<Schemas['RelayInput'], '$schema' | RelaySecrets | keyof SendingPlan>> &
  SendingPlan & { [secret in RelaySecrets]?: string };
export type Provider = Schemas['Provider'];
export type RelayTest = Schemas['TestReport'];
export type RelaySite = Schemas['RelaySite'];

/** How mailboxes of a provider are read. */
export type Reading = Schemas['Reading'];
export type Mailbox = Required<Schemas['Mailbox']>;
export type MailboxProtocol = Mailbox['protocol'];
/** What the form of a mailbox edits; secrets are sent only when they were typed. */
export type MailboxInput = Required<Omit<Schemas['MailboxInput'], '$schema' | RelaySecrets>> & {
  [secret in RelaySecrets]?: string;
};
export type MailboxMessage = Schemas['MailboxMessage'];
export type MailboxTest = Schemas['MailboxTest'];
export type KnownSite = Schemas['KnownSite'];
export type SiteLimit = Required<Schemas['SiteLimit']>;
export type SiteLimitInput = Omit<SiteLimit, 'shipped'>;
export type SiteLimits = Omit<Schemas['SiteLimits'], 'items'> & { items: SiteLimit[] };

export type WebhookSource = Schemas['WebhookSource'];
export type WebhookProvider = WebhookSource['provider'];
export type WebhookTopic = Schemas['WebhookTopic'];

export type Domain = Omit<Schemas['Domain'], keyof SendingPlan> & SendingPlan;
export type DomainPace = Schemas['DomainPace'];
export type DkimKey = Schemas['DkimKey'];
export type DnsCheck = Schemas['Check'];
export type DnsCheckStatus = DnsCheck['status'];

export type InboxInfo = Schemas['Inbox'];
export type InboxItem = Schemas['InboxMessage'];
export type InboxMessage = Schemas['InboxDetail'];

export type CampaignOverview = CampaignProgress;
export type Overview = Schemas['Overview'];
export type SystemInfo = Schemas['System'];

/** A webhook; the server always sends every field. */
export type Webhook = Required<Schemas['Webhook']>;
export type WebhookInput = Required<Schemas['WebhookInput']>;
export type WebhookSecret = { webhook: Webhook; secret: string };
export type WebhookType = Schemas['WebhookType'];
export type WebhookMessage = Schemas['WebhookMessage'];
export type WebhookMessageDetail = Schemas['WebhookMessageDetail'];
export type WebhookAttempt = Schemas['WebhookAttempt'];
export type WebhookTest = Schemas['WebhookTest'];
