import type { Relay, RelayInput, RelayTls } from '@/api/types';

/** The usual port of each kind of encryption: 25 plain between servers, 587 submission (RFC 6409), 465 implicit TLS (RFC 8314). */
const usualPort: Record<RelayTls, number> = { none: 25, starttls: 587, implicit: 465 };

export const newRelay: RelayInput = {
  name: '',
  kind: 'smtp',
  host: '',
  port: usualPort.starttls,
  tls: 'starttls',
  auth: 'auto',
  username: '',
  password: '',
  helo_name: '',
  max_connections: 10,
  max_messages_per_connection: 100,
  rate_limit: null,
  rate_period: 'minute',
  return_path: 'per_recipient',
  dkim: 'sign',
  signing_profile: 'default',
};

export function relayInput(relay: Relay): RelayInput {
  return {
    name: relay.name,
    kind: relay.kind,
    host: relay.host,
    port: relay.port,
    tls: relay.tls,
    auth: relay.auth,
    username: relay.username,
    password: '',
    helo_name: relay.helo_name,
    max_connections: relay.max_connections,
    max_messages_per_connection: relay.max_messages_per_connection,
    rate_limit: relay.rate_limit,
    rate_period: relay.rate_period,
    return_path: relay.return_path,
    dkim: relay.dkim,
    signing_profile: relay.signing_profile,
  };
}

/** Changes the encryption, and the port with it as long as the port is a usual one. */
export function withTls(input: RelayInput, tls: RelayTls): Pick<RelayInput, 'tls' | 'port'> {
  const usual = Object.values(usualPort).includes(input.port);
  return { tls, port: usual ? usualPort[tls] : input.port };
}

/** What is sent: an empty password means "keep the stored one" and is left out. */
export function submitted({ password, ...input }: RelayInput): RelayInput {
  const limit = input.rate_limit || null;
  return { ...input, rate_limit: limit, ...(password ? { password } : {}) };
}
