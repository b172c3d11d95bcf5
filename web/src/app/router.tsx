import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { Problem } from '@/api/problem';
import { meQuery, setupQuery } from '@/features/auth/queries';
import { ErrorPage, NotFoundPage } from './error-page';
import { optionalNumber, optionalText, safePath } from './search-params';

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({ component: Outlet });

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  beforeLoad: async ({ context }) => {
    const state = await context.queryClient.fetchQuery(setupQuery);
    if (!state.needed) throw redirect({ to: '/login' });
  },
  component: lazyRouteComponent(() => import('@/features/auth/setup-page'), 'SetupPage'),
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { next?: string } => safePath('next', search.next),
  component: lazyRouteComponent(() => import('@/features/auth/login-page'), 'LoginPage'),
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  component: lazyRouteComponent(() => import('./shell'), 'Shell'),
  beforeLoad: async ({ context, location }) => {
    try {
      await context.queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) throw error;
      const state = await context.queryClient.fetchQuery(setupQuery);
      if (state.needed) throw redirect({ to: '/setup' });
      throw redirect({ to: '/login', search: location.href === '/' ? {} : { next: location.href } });
    }
  },
});

const overview = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('@/features/overview/overview-page'), 'OverviewPage'),
});

const campaigns = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns',
  validateSearch: (search: Record<string, unknown>): { status?: string } => optionalText('status', search.status),
  component: lazyRouteComponent(() => import('@/features/campaigns/campaigns-page'), 'CampaignsPage'),
});
const newCampaign = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns/new',
  validateSearch: (search: Record<string, unknown>): { template?: number } =>
    optionalNumber('template', search.template),
  component: lazyRouteComponent(() => import('@/features/campaigns/new-campaign-page'), 'NewCampaignPage'),
});
const campaign = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns/$id',
  validateSearch: (search: Record<string, unknown>): { tab?: string; state?: string; q?: string; seq?: number } => ({
    ...optionalText('tab', search.tab),
    ...optionalText('state', search.state),
    ...optionalText('q', search.q),
    ...optionalNumber('seq', search.seq),
  }),
  // A delivery has a page of its own; earlier links name it here.
  beforeLoad: ({ params, search }) => {
    if (search.seq === undefined) return;
    throw redirect({ to: '/campaigns/$id/deliveries/$seq', params: { id: params.id, seq: String(search.seq) } });
  },
  component: lazyRouteComponent(() => import('@/features/campaigns/campaign-page'), 'CampaignPage'),
});
const delivery = createRoute({
  getParentRoute: () => shell,
  path: '/campaigns/$id/deliveries/$seq',
  component: lazyRouteComponent(() => import('@/features/campaigns/delivery-page'), 'DeliveryPage'),
});
type MessagesSearch = { status?: string; email?: string; template?: number; tag?: string };
const messages = createRoute({
  getParentRoute: () => shell,
  path: '/messages',
  validateSearch: (search: Record<string, unknown>): MessagesSearch => ({
    ...optionalText('status', search.status),
    ...optionalText('email', search.email),
    ...optionalNumber('template', search.template),
    ...optionalText('tag', search.tag),
  }),
  component: lazyRouteComponent(() => import('@/features/messages/messages-page'), 'MessagesPage'),
});
const message = createRoute({
  getParentRoute: () => shell,
  path: '/messages/$id',
  component: lazyRouteComponent(() => import('@/features/messages/message-page'), 'MessagePage'),
});
const newsletters = createRoute({
  getParentRoute: () => shell,
  path: '/newsletters',
  component: lazyRouteComponent(() => import('@/features/newsletters/newsletters-page'), 'NewslettersPage'),
});
const newNewsletter = createRoute({
  getParentRoute: () => shell,
  path: '/newsletters/new',
  component: lazyRouteComponent(() => import('@/features/newsletters/new-newsletter-page'), 'NewNewsletterPage'),
});
const newsletter = createRoute({
  getParentRoute: () => shell,
  path: '/newsletters/$id',
  validateSearch: (search: Record<string, unknown>): { tab?: string } => optionalText('tab', search.tab),
  component: lazyRouteComponent(() => import('@/features/newsletters/newsletter-page'), 'NewsletterPage'),
});
const issue = createRoute({
  getParentRoute: () => shell,
  path: '/newsletters/$id/issues/$issue',
  component: lazyRouteComponent(() => import('@/features/newsletters/issue-page'), 'IssuePage'),
});
const bounces = createRoute({
  getParentRoute: () => shell,
  path: '/bounces',
  validateSearch: (
    search: Record<string, unknown>,
  ): { q?: string; kind?: string; action?: string; campaign?: number; report?: number } => ({
    ...optionalText('q', search.q),
    ...optionalText('kind', search.kind),
    ...optionalText('action', search.action),
    ...optionalNumber('campaign', search.campaign),
    ...optionalNumber('report', search.report),
  }),
  component: lazyRouteComponent(() => import('@/features/reports/reports-page'), 'ReportsPage'),
});

const lists = createRoute({
  getParentRoute: () => shell,
  path: '/lists',
  component: lazyRouteComponent(() => import('@/features/lists/lists-page'), 'ListsPage'),
});
const list = createRoute({
  getParentRoute: () => shell,
  path: '/lists/$id',
  validateSearch: (
    search: Record<string, unknown>,
  ): { q?: string; status?: string; field?: string; value?: string } => ({
    ...optionalText('q', search.q),
    ...optionalText('status', search.status),
    ...optionalText('field', search.field),
    ...optionalText('value', search.value),
  }),
  component: lazyRouteComponent(() => import('@/features/lists/list-page'), 'ListPage'),
});

const segments = createRoute({
  getParentRoute: () => shell,
  path: '/segments',
  component: lazyRouteComponent(() => import('@/features/segments/segments-page'), 'SegmentsPage'),
});
const newSegment = createRoute({
  getParentRoute: () => shell,
  path: '/segments/new',
  component: lazyRouteComponent(() => import('@/features/segments/segment-page'), 'NewSegmentPage'),
});
const segment = createRoute({
  getParentRoute: () => shell,
  path: '/segments/$id',
  component: lazyRouteComponent(() => import('@/features/segments/segment-page'), 'SegmentPage'),
});

const forms = createRoute({
  getParentRoute: () => shell,
  path: '/forms',
  component: lazyRouteComponent(() => import('@/features/forms/forms-page'), 'FormsPage'),
});
const newForm = createRoute({
  getParentRoute: () => shell,
  path: '/forms/new',
  validateSearch: (search: Record<string, unknown>): { list?: number } => optionalNumber('list', search.list),
  component: lazyRouteComponent(() => import('@/features/forms/form-page'), 'NewFormPage'),
});
const oneForm = createRoute({
  getParentRoute: () => shell,
  path: '/forms/$id',
  validateSearch: (search: Record<string, unknown>): { tab?: string } => optionalText('tab', search.tab),
  component: lazyRouteComponent(() => import('@/features/forms/form-page'), 'FormPage'),
});

type PeopleSearch = { q?: string; list?: number; segment?: number; status?: string; field?: string; value?: string };
const subscribers = createRoute({
  getParentRoute: () => shell,
  path: '/subscribers',
  validateSearch: (search: Record<string, unknown>): PeopleSearch => ({
    ...optionalText('q', search.q),
    ...optionalNumber('list', search.list),
    ...optionalNumber('segment', search.segment),
    ...optionalText('status', search.status),
    ...optionalText('field', search.field),
    ...optionalText('value', search.value),
  }),
  component: lazyRouteComponent(() => import('@/features/subscribers/subscribers-page'), 'SubscribersPage'),
});
const subscriber = createRoute({
  getParentRoute: () => shell,
  path: '/subscribers/$id',
  component: lazyRouteComponent(() => import('@/features/subscribers/subscriber-page'), 'SubscriberPage'),
});

const fields = createRoute({
  getParentRoute: () => shell,
  path: '/fields',
  component: lazyRouteComponent(() => import('@/features/fields/fields-page'), 'FieldsPage'),
});
const bulkActions = createRoute({
  getParentRoute: () => shell,
  path: '/bulk-actions',
  component: lazyRouteComponent(() => import('@/features/bulk/bulk-actions-page'), 'BulkActionsPage'),
});
const bulkAction = createRoute({
  getParentRoute: () => shell,
  path: '/bulk-actions/$id',
  component: lazyRouteComponent(() => import('@/features/bulk/bulk-action-page'), 'BulkActionPage'),
});

const imports = createRoute({
  getParentRoute: () => shell,
  path: '/imports',
  component: lazyRouteComponent(() => import('@/features/imports/imports-page'), 'ImportsPage'),
});
const newImport = createRoute({
  getParentRoute: () => shell,
  path: '/imports/new',
  validateSearch: (search: Record<string, unknown>): { list?: number } => optionalNumber('list', search.list),
  component: lazyRouteComponent(() => import('@/features/imports/new-import-page'), 'NewImportPage'),
});
const oneImport = createRoute({
  getParentRoute: () => shell,
  path: '/imports/$id',
  validateSearch: (search: Record<string, unknown>): { step?: string } => optionalText('step', search.step),
  component: lazyRouteComponent(() => import('@/features/imports/import-page'), 'ImportPage'),
});

const suppressions = createRoute({
  getParentRoute: () => shell,
  path: '/suppressions',
  validateSearch: (
    search: Record<string, unknown>,
  ): { q?: string; reason?: string; domains?: number; tab?: string } => ({
    ...optionalText('q', search.q),
    ...optionalText('reason', search.reason),
    ...optionalNumber('domains', search.domains),
    ...optionalText('tab', search.tab),
  }),
  component: lazyRouteComponent(() => import('@/features/suppressions/suppressions-page'), 'SuppressionsPage'),
});

const templates = createRoute({
  getParentRoute: () => shell,
  path: '/templates',
  validateSearch: (search: Record<string, unknown>): { role?: string } => optionalText('role', search.role),
  component: lazyRouteComponent(() => import('@/features/templates/templates-page'), 'TemplatesPage'),
});
const newTemplate = createRoute({
  getParentRoute: () => shell,
  path: '/templates/new',
  validateSearch: (search: Record<string, unknown>): { role?: string } => optionalText('role', search.role),
  component: lazyRouteComponent(() => import('@/features/templates/template-page'), 'NewTemplatePage'),
});
const template = createRoute({
  getParentRoute: () => shell,
  path: '/templates/$id',
  component: lazyRouteComponent(() => import('@/features/templates/template-page'), 'TemplatePage'),
});
const mailchimp = createRoute({
  getParentRoute: () => shell,
  path: '/templates/import-mailchimp',
  component: lazyRouteComponent(() => import('@/features/templates/mailchimp-page'), 'MailchimpPage'),
});
const media = createRoute({
  getParentRoute: () => shell,
  path: '/media',
  component: lazyRouteComponent(() => import('@/features/media/media-page'), 'MediaPage'),
});

const relays = createRoute({
  getParentRoute: () => shell,
  path: '/relays',
  component: lazyRouteComponent(() => import('@/features/relays/relays-page'), 'RelaysPage'),
});
const newRelay = createRoute({
  getParentRoute: () => shell,
  path: '/relays/new',
  component: lazyRouteComponent(() => import('@/features/relays/relay-page'), 'NewRelayPage'),
});
const relay = createRoute({
  getParentRoute: () => shell,
  path: '/relays/$id',
  component: lazyRouteComponent(() => import('@/features/relays/relay-page'), 'RelayPage'),
});

const mailboxes = createRoute({
  getParentRoute: () => shell,
  path: '/mailboxes',
  component: lazyRouteComponent(() => import('@/features/mailboxes/mailboxes-page'), 'MailboxesPage'),
});
const newMailbox = createRoute({
  getParentRoute: () => shell,
  path: '/mailboxes/new',
  component: lazyRouteComponent(() => import('@/features/mailboxes/mailbox-page'), 'NewMailboxPage'),
});
const mailbox = createRoute({
  getParentRoute: () => shell,
  path: '/mailboxes/$id',
  component: lazyRouteComponent(() => import('@/features/mailboxes/mailbox-page'), 'MailboxPage'),
});

const siteLimits = createRoute({
  getParentRoute: () => shell,
  path: '/site-limits',
  validateSearch: (search: Record<string, unknown>): { q?: string; site?: string; relay?: number } => ({
    ...optionalText('q', search.q),
    ...optionalText('site', search.site),
    ...optionalNumber('relay', search.relay),
  }),
  component: lazyRouteComponent(() => import('@/features/site-limits/site-limits-page'), 'SiteLimitsPage'),
});

const providerWebhooks = createRoute({
  getParentRoute: () => shell,
  path: '/provider-webhooks',
  component: lazyRouteComponent(
    () => import('@/features/provider-webhooks/provider-webhooks-page'),
    'ProviderWebhooksPage',
  ),
});
const providerWebhook = createRoute({
  getParentRoute: () => shell,
  path: '/provider-webhooks/$id',
  component: lazyRouteComponent(
    () => import('@/features/provider-webhooks/provider-webhook-page'),
    'ProviderWebhookPage',
  ),
});

const domains = createRoute({
  getParentRoute: () => shell,
  path: '/domains',
  component: lazyRouteComponent(() => import('@/features/domains/domains-page'), 'DomainsPage'),
});
const domain = createRoute({
  getParentRoute: () => shell,
  path: '/domains/$id',
  component: lazyRouteComponent(() => import('@/features/domains/domain-page'), 'DomainPage'),
});

const inbox = createRoute({
  getParentRoute: () => shell,
  path: '/inbox',
  validateSearch: (search: Record<string, unknown>): { q?: string; message?: number } => ({
    ...optionalText('q', search.q),
    ...optionalNumber('message', search.message),
  }),
  component: lazyRouteComponent(() => import('@/features/inbox/inbox-page'), 'InboxPage'),
});

const webhooks = createRoute({
  getParentRoute: () => shell,
  path: '/webhooks',
  component: lazyRouteComponent(() => import('@/features/webhooks/webhooks-page'), 'WebhooksPage'),
});
const newWebhook = createRoute({
  getParentRoute: () => shell,
  path: '/webhooks/new',
  component: lazyRouteComponent(() => import('@/features/webhooks/webhook-page'), 'NewWebhookPage'),
});
const webhook = createRoute({
  getParentRoute: () => shell,
  path: '/webhooks/$id',
  validateSearch: (
    search: Record<string, unknown>,
  ): { tab?: string; status?: string; type?: string; message?: string } => ({
    ...optionalText('tab', search.tab),
    ...optionalText('status', search.status),
    ...optionalText('type', search.type),
    ...optionalText('message', search.message),
  }),
  component: lazyRouteComponent(() => import('@/features/webhooks/webhook-page'), 'WebhookPage'),
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  validateSearch: (search: Record<string, unknown>): { tab?: string } => optionalText('tab', search.tab),
  component: lazyRouteComponent(() => import('@/features/settings/settings-page'), 'SettingsPage'),
});

const routeTree = root.addChildren([
  setup,
  login,
  shell.addChildren([
    overview,
    campaigns,
    newCampaign,
    campaign,
    delivery,
    messages,
    message,
    newsletters,
    newNewsletter,
    newsletter,
    issue,
    bounces,
    lists,
    list,
    segments,
    newSegment,
    segment,
    forms,
    newForm,
    oneForm,
    subscribers,
    subscriber,
    fields,
    bulkActions,
    bulkAction,
    imports,
    newImport,
    oneImport,
    suppressions,
    templates,
    newTemplate,
    template,
    mailchimp,
    media,
    relays,
    newRelay,
    relay,
    mailboxes,
    newMailbox,
    mailbox,
    siteLimits,
    providerWebhooks,
    providerWebhook,
    domains,
    domain,
    inbox,
    webhooks,
    newWebhook,
    webhook,
    settings,
  ]),
]);

/** Makes the router; when the server says that the session has ended, whatever page is open leads to the log-in. */
export function createAppRouter(queryClient: QueryClient) {
  const router = createRouter({
    routeTree,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultErrorComponent: ErrorPage,
    defaultNotFoundComponent: NotFoundPage,
    scrollRestoration: true,
  });
  queryClient.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated' || event.action.type !== 'error') return;
    const error: unknown = event.action.error;
    // A refusal of "me" itself is what the guard of the pages asks for; answering it here too would ask again without end.
    if (!(error instanceof Problem && error.status === 401) || event.query.queryKey[0] === meQuery.queryKey[0]) return;
    if (!queryClient.getQueryData(meQuery.queryKey)) return;
    queryClient.removeQueries({ queryKey: meQuery.queryKey });
    void router.invalidate();
  });
  return router;
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
