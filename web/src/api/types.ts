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
export type Sending = Schemas['Sending'];
export type ApiKey = Schemas['APIKey'];
export type NewApiKey = Schemas['NewKey'];

export type List = Schemas['List'];

export type SignUpForm = Schemas['Form'];
/** What the editor of a form edits. */
export type SignUpFormInput = Required<Schemas['FormInput']>;
export type SignUpField = Required<Schemas['FormFieldInput']>;
export type SignUpFieldChoice = Schemas['FormFieldChoice'];
export type SignUpCounts = Schemas['FormCounts'];
export type SignUpStats = Schemas['FormStats'];
export type OptIn = Schemas['OptIn'];
export type OptInInput = Required<Schemas['OptInInput']>;
export type OptInRequest = Schemas['OptInRequest'];
export type OptInTestResult = Schemas['OptInTestResult'];

export type Subscription = Schemas['Subscription'];
export type SubscriptionStatus = Subscription['status'];
export type Subscriber = Schemas['Subscriber'];
export type Suppression = Schemas['Suppression'];
export type SuppressionReason = Suppression['reason'];

export type SuppressionLogEntry = Schemas['SuppressionLog'];
export type SuppressionImport = Schemas['SuppressionImport'];

export type Field = Schemas['Field'];
export type FieldType = Field['type'];
export type Consent = Schemas['Consent'];
export type Evidence = Schemas['Evidence'];
export type Moment = Schemas['Moment'];
export type MomentKind = Moment['kind'];
export type BulkAction = Schemas['Bulk'];
export type BulkKind = BulkAction['action'];
export type BulkStatus = BulkAction['status'];
export type BulkOrder = Schemas['BulkOrder'];
export type BulkSelection = Schemas['BulkSelection'];
export type BulkPreview = Schemas['BulkPreview'];
export type BulkKept = Schemas['BulkKept'];
export type Erasure = Schemas['Erasure'];

export type Import = Omit<Schemas['Import'], 'mapping' | 'check'> & {
  mapping: ImportMapping | null;
  check: ImportCheck | null;
};
export type Segment = Schemas['Segment'];
export type SegmentCount = Schemas['SegmentCount'];
export type SegmentPerson = Schemas['SegmentPerson'];
export type SegmentVocabulary = Schemas['Vocabulary'];
export type SegmentField = Schemas['Word'];

export type ImportStatus = Import['status'];
export type ImportFormat = Schemas['Format'];
/** What is corrected in how a file is read; what is left out stays as it is. */
export type ImportFormatInput = Schemas['FormatInput'];
export type ImportEncoding = Schemas['Encoding'];
export type ColumnSuggestion = Schemas['Suggestion'];
export type ImportColumn = Schemas['Column'];
export type ColumnMapping = Schemas['ColumnMapping'];
export type ColumnTarget = ColumnMapping['target'];
export type DateOrder = NonNullable<ColumnMapping['date_order']>;
/** The status may be left out when it is sent; the server always says it. */
export type ImportMapping = Schemas['Mapping'] & { status: 'subscribed' | 'unconfirmed' };
/** Addresses that were taken and deserve a look. */
export type ImportFlags = Schemas['Flagged'];
/** What an address can be pointed out for. */
export type ImportFlag = keyof ImportFlags;
/** Which addresses are looked for beside their syntax, and with which flags a row is left out instead of pointed out. */
export type ImportLooks = Pick<
  ImportMapping,
  'flag_typos' | 'flag_roles' | 'flag_disposable' | 'check_mx' | 'reject_flagged'
>;
export type ImportCheck = Omit<Schemas['DryRun'], 'mapping'> & { mapping: ImportMapping };
export type ImportUndo = Schemas['Undo'];
/** What a dry run and an import both count. */
export type ImportFigures = Pick<
  Import,
  'rows' | 'created' | 'updated' | 'unchanged' | 'rejected' | 'suppressed' | 'unsubscribed' | 'flagged'
>;
export type ImportPreview = Schemas['Preview'];
export type ImportPreviewRow = Schemas['PreviewRow'];
export type ImportError = Schemas['ImportError'];
export type ImportSampleKind = 'created' | 'updated' | 'suppressed' | 'unsubscribed' | 'flagged';
export type ImportSample = Schemas['Sample'];
export type ImportKept = Schemas['Kept'];

export type Template = Schemas['Template'];
export type TemplateRole = Template['role'];
/** The language of a mail's body. */
export type MailKind = Template['kind'];
export type TemplateVersion = Schemas['TemplateVersionFields'];
export type TemplateDiff = Schemas['TemplateDiff'];
export type DiffHunk = NonNullable<Schemas['Hunk']>;
export type MailchimpInput = Required<Omit<Schemas['MailchimpInput'], '$schema'>>;
export type MailchimpOutput = Schemas['MailchimpOutput'];
export type MailchimpNote = Schemas['MailchimpNote'];
export type RawRequest = Schemas['RawInput'];
export type RawMail = Schemas['Raw'];
export type CampaignMail = Schemas['CampaignMail'];
export type MissingField = Schemas['MissingField'];
export type MediaFile = Schemas['MediaFile'];
export type MediaUse = Schemas['MediaUse'];
export type MediaStorage = Schemas['MediaStorage'];
export type MediaStorageInput = Schemas['MediaStorageInput'];
export type MediaTest = Schemas['MediaTest'];
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
export type AudienceInput = Schemas['AudienceInput'];
export type Selection = Schemas['Selection'];
export type Why = Schemas['Why'];
export type WhyEvidence = Schemas['WhyEvidence'];
export type Exclusion = Schemas['Exclusion'];
export type TestResult = Schemas['TestResult'];
/** What a check of a mail found, of a campaign or of content alone. */
export type PreflightReport = Omit<Schemas['PreflightDraft'], '$schema'>;
export type Preflight = Schemas['Preflight'];
export type Finding = Schemas['Finding'];
export type FindingSeverity = Finding['severity'];
export type FindingPlace = Schemas['FindingPlace'];
export type LinkState = Schemas['LinkState'];
export type SpamResult = Schemas['SpamResult'];

export type Holdup = Schemas['Holdup'];
export type Gate = Schemas['Gate'];
export type AbReport = Schemas['AbReport'];
export type AbFigures = Schemas['AbFigures'];
export type AbTestInput = Required<Omit<NonNullable<Schemas['ABTestInput']>, '$schema'>>;
export type Variant = Schemas['Variant'];
export type Runs = Schemas['Runs'];
export type RerunTo = Schemas['RerunInput']['to'][number];
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

/** A mail to one person, sent by a program. */
export type Message = Schemas['Message'];
export type MessageStory = Schemas['MessageStory'];
export type MessageStatus = Message['status'];
export type MessagePreview = Schemas['MessagePreview'];
export type MessageInput = Omit<Schemas['MessageInput'], '$schema'>;
export type AcceptedMessage = Schemas['Accepted'];

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

export type Newsletter = Required<Omit<Schemas['Newsletter'], '$schema' | 'rules' | 'mailing' | 'source'>> & {
  rules: NewsletterRules;
  mailing: Schemas['Mailing'];
  source: NewsletterSource;
};
export type NewsletterStatus = Newsletter['status'];
export type NewsletterInput = Schemas['NewsletterFields'];
export type NewsletterUpdated = Newsletter & Pick<Schemas['NewsletterUpdated'], 'kept'>;
export type NewsletterSource = Schemas['NewsletterSource'];
export type NewsletterRules = Required<Schemas['Rules']>;
export type Recurrence = Schemas['Recurrence'];
export type SchedulePreview = Schemas['SchedulePreviewAnswer'];
export type ScheduleRun = Schemas['Run'];
export type PlannedRun = Schemas['PlannedRun'];
export type Issue = Schemas['Issue'];
export type IssueState = Issue['state'];
export type IssueWhole = Schemas['IssueWhole'];
export type IssueContent = Schemas['IssueContent'];
export type SourceCheck = Schemas['SourceCheck'];
