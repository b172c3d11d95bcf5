import type { Provider, Relay, RelayInput, RelayTls } from '@/api/types';
import { untilMidnight } from '@/ui/sending-plan/sending-window';

/** The limits on the number of messages, from the shortest span to the longest. */
export const rates = ['per_second', 'per_minute', 'per_hour', 'per_day'] as const;
export type Rate = (typeof rates)[number];

/** The usual port of each kind of encryption: 25 plain between servers, 587 submission (RFC 6409), 465 implicit TLS (RFC 8314). */
const usualPort: Record<RelayTls, number> = { none: 25, starttls: 587, implicit: 465 };

export const newRelay: RelayInput = {
  name: '',
  provider: '',
  kind: 'smtp',
  host: '',
  port: usualPort.starttls,
  tls: 'starttls',
  auth: 'auto',
  username: '',
  password: '',
  oauth_client_id: '',
  oauth_token_url: '',
  oauth_client_secret: '',
  oauth_refresh_token: '',
  helo_name: '',
  max_connections: 10,
  max_messages_per_connection: 100,
  per_second: null,
  per_minute: null,
  per_hour: null,
  per_day: null,
  weight: 1,
  from_domains: [],
  recipient_sites: [],
  site_limits: null,
  warmup: null,
  window: null,
  return_path: 'per_recipient',
  dkim: 'sign',
  signing_profile: 'default',
};

export function relayInput(relay: Relay): RelayInput {
  return {
    name: relay.name,
    provider: relay.provider,
    kind: relay.kind,
    host: relay.host,
    port: relay.port,
    tls: relay.tls,
    auth: relay.auth,
    username: relay.username,
    password: '',
    oauth_client_id: relay.oauth_client_id,
    oauth_token_url: relay.oauth_token_url,
    oauth_client_secret: '',
    oauth_refresh_token: '',
    helo_name: relay.helo_name,
    max_connections: relay.max_connections,
    max_messages_per_connection: relay.max_messages_per_connection,
    per_second: relay.per_second,
    per_minute: relay.per_minute,
    per_hour: relay.per_hour,
    per_day: relay.per_day,
    weight: relay.weight,
    from_domains: relay.from_domains,
    recipient_sites: relay.recipient_sites,
    site_limits: relay.site_limits,
    warmup: relay.warmup,
    window: relay.window && untilMidnight(relay.window),
    return_path: relay.return_path,
    dkim: relay.dkim,
    signing_profile: relay.signing_profile,
  };
}

/** The fields that say which mail goes through the relay. */
export const routingFields = ['weight', 'from_domains', 'recipient_sites', 'site_limits'] as const;

/** Whether the relay takes part like any other: it has a plain share of everything. */
export const takesAll = ({ weight, from_domains, recipient_sites }: RelayInput) =>
  (weight ?? 1) === 1 && from_domains.length === 0 && recipient_sites.length === 0;

/** Whether limits per site are kept: as it was chosen, else as the provider is. */
export const keepsSiteLimits = ({ site_limits }: RelayInput, provider: Provider | undefined) =>
  site_limits ?? provider?.site_limits ?? false;

/** Changes the encryption, and the port with it as long as the port is a usual one. */
export function withTls(input: RelayInput, tls: RelayTls): Pick<RelayInput, 'tls' | 'port'> {
  const usual = Object.values(usualPort).includes(input.port);
  return { tls, port: usual ? usualPort[tls] : input.port };
}

/**
 * Fills in what is known of a provider in place of what the former one had filled in. What a person has typed and the provider does not decide
 * stays: the name, a user name, a limit. Secrets are never taken along to another server.
 */
export function withProvider(input: RelayInput, provider: Provider | undefined, former?: Provider): RelayInput {
  if (!provider) return { ...input, provider: '' };
  const [endpoint] = provider.endpoints;
  const [auth] = provider.auth;
  return {
    ...input,
    provider: provider.id,
    kind: 'smtp',
    name: input.name && input.name !== former?.name ? input.name : provider.name,
    host: provider.hosts[0]?.host ?? input.host,
    port: endpoint?.port ?? input.port,
    tls: endpoint?.tls ?? input.tls,
    auth: (auth as RelayInput['auth']) ?? input.auth,
    username: provider.username || (former?.username ? '' : input.username),
    password: '',
    oauth_client_secret: '',
    oauth_refresh_token: '',
    oauth_token_url: provider.oauth?.token_url ?? '',
    max_connections: provider.limits.connections || input.max_connections,
    max_messages_per_connection: provider.limits.messages_per_connection || input.max_messages_per_connection,
    ...publishedRates(input, provider, former),
    return_path: provider.return_path,
    dkim: provider.signs_itself ? 'off' : 'sign',
    signing_profile: provider.signing_profile,
    // What was chosen against the former provider's nature stays.
    site_limits: input.site_limits === (former?.site_limits ?? null) ? null : input.site_limits,
  };
}

/** The limits that the provider publishes for ordinary accounts; those of the former one go. */
function publishedRates(input: RelayInput, { limits }: Provider, former: Provider | undefined) {
  const rate = (name: Rate) => limits[name] || (input[name] === former?.limits[name] ? null : input[name]);
  return {
    per_second: rate('per_second'),
    per_minute: rate('per_minute'),
    per_hour: rate('per_hour'),
    per_day: rate('per_day'),
  };
}

/** Whether a secret was typed: without one a stored relay is tried as it was saved. */
export const hasSecret = (input: RelayInput) =>
  Boolean(input.auth === 'xoauth2' ? input.oauth_refresh_token : input.password);

/** What is sent: an empty secret means "keep the stored one" and is left out. */
export function submitted({ password, oauth_client_secret, oauth_refresh_token, ...input }: RelayInput): RelayInput {
  return {
    ...input,
    ...(password && { password }),
    ...(oauth_client_secret && { oauth_client_secret }),
    ...(oauth_refresh_token && { oauth_refresh_token }),
  };
}
