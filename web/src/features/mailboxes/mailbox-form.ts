import type { Mailbox, MailboxInput, MailboxProtocol, Provider, Reading } from '@/api/types';

/** A provider whose mailboxes can be read. */
export type ReadingProvider = Provider & { reading: Reading };

/** The providers whose mailboxes can be read, in the order of the server. */
export const readable = (providers: Provider[]): ReadingProvider[] =>
  providers.filter((one): one is ReadingProvider => one.reading !== null);

/** The usual port of each way in (RFC 9051, RFC 1939, RFC 8314). */
export function usualPort(protocol: MailboxProtocol, tls: Mailbox['tls']): number {
  if (protocol === 'pop3') return tls === 'implicit' ? 995 : 110;
  return tls === 'implicit' ? 993 : 143;
}
const usualPorts = [993, 143, 995, 110];

export const newMailbox: MailboxInput = {
  name: '',
  provider: '',
  protocol: 'imap',
  host: '',
  port: 993,
  tls: 'implicit',
  allow_cleartext: false,
  auth: 'password',
  username: '',
  password: '',
  oauth_client_id: '',
  oauth_token_url: '',
  oauth_client_secret: '',
  oauth_refresh_token: '',
  folder: 'INBOX',
  after_taken: 'move',
  move_to: 'Postrider',
  clear_ignored: false,
  poll_minutes: 10,
};

export function mailboxInput(mailbox: Mailbox): MailboxInput {
  return {
    name: mailbox.name,
    provider: mailbox.provider,
    protocol: mailbox.protocol,
    host: mailbox.host,
    port: mailbox.port,
    tls: mailbox.tls,
    allow_cleartext: mailbox.allow_cleartext,
    auth: mailbox.auth,
    username: mailbox.username,
    password: '',
    oauth_client_id: mailbox.oauth_client_id,
    oauth_token_url: mailbox.oauth_token_url,
    oauth_client_secret: '',
    oauth_refresh_token: '',
    folder: mailbox.folder,
    after_taken: mailbox.after_taken,
    move_to: mailbox.move_to,
    clear_ignored: mailbox.clear_ignored,
    poll_minutes: mailbox.poll_minutes,
  };
}

/** Changes the encryption, and the port with it as long as the port is a usual one. */
export function withTls(input: MailboxInput, tls: Mailbox['tls']): Partial<MailboxInput> {
  return { tls, port: usualPorts.includes(input.port) ? usualPort(input.protocol, tls) : input.port };
}

/** Changes the protocol: server and port with it, and what POP3 cannot do, which knows no folders. */
export function withProtocol(
  input: MailboxInput,
  protocol: MailboxProtocol,
  provider?: ReadingProvider,
): Partial<MailboxInput> {
  const server = provider?.reading.servers.find((one) => one.protocol === protocol);
  return {
    protocol,
    ...(server
      ? { host: server.host || input.host, port: server.port, tls: server.tls }
      : { port: usualPorts.includes(input.port) ? usualPort(protocol, input.tls) : input.port }),
    ...(protocol === 'pop3' && input.after_taken === 'move' && { after_taken: 'leave' as const }),
    ...(protocol === 'imap' && !input.move_to && { move_to: 'Postrider' }),
  };
}

/** Fills in what is known of a provider. What a person has typed and the provider does not decide stays; secrets are never taken along to another server. */
export function withProvider(
  input: MailboxInput,
  provider: ReadingProvider | undefined,
  former?: ReadingProvider,
): MailboxInput {
  if (!provider) return { ...input, provider: '' };
  const { reading } = provider;
  const server = reading.servers.find((one) => one.protocol === input.protocol) ?? reading.servers[0];
  const filled: MailboxInput = {
    ...input,
    provider: provider.id,
    name: input.name && input.name !== former?.reading.name ? input.name : reading.name,
    auth: (reading.auth[0] as MailboxInput['auth']) ?? input.auth,
    password: '',
    oauth_client_secret: '',
    oauth_refresh_token: '',
    oauth_token_url: provider.oauth?.token_url ?? '',
    poll_minutes: Math.max(input.poll_minutes, reading.poll_minutes),
  };
  if (!server) return filled;
  return { ...filled, ...withProtocol(filled, server.protocol, provider) };
}

/** Whether a secret was typed: without one a stored mailbox is tried as it was saved. */
export const hasSecret = (input: MailboxInput) =>
  Boolean(input.auth === 'xoauth2' ? input.oauth_refresh_token : input.password);

/** What is sent: an empty secret means "keep the stored one" and is left out. */
export function submitted({
  password,
  oauth_client_secret,
  oauth_refresh_token,
  ...input
}: MailboxInput): MailboxInput {
  return {
    ...input,
    ...(password && { password }),
    ...(oauth_client_secret && { oauth_client_secret }),
    ...(oauth_refresh_token && { oauth_refresh_token }),
  };
}
