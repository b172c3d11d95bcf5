import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export type SmtpServer = { port: number; stop: () => Promise<void> };

/** A mail server that takes everything except for the recipients for whom there is a refusal. */
export async function startSmtp(refusal: (recipient: string) => string | undefined): Promise<SmtpServer> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.write('220 mx.example.org ESMTP\r\n');
    let inData = false;
    const lines = createInterface({ input: socket });
    // It hands on the errors of the socket, which is closed above.
    lines.on('error', () => {});
    lines.on('line', (line) => {
      if (inData && line !== '.') return;
      inData = line.toUpperCase() === 'DATA';
      socket.write(`${answer(line, refusal)}\r\n`);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('the mail server has no port');
  const stop = async () => {
    const closed = new Promise((done) => server.close(done));
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { port: address.port, stop };
}

function answer(line: string, refusal: (recipient: string) => string | undefined): string {
  const command = line.toUpperCase();
  if (command.startsWith('EHLO')) return '250-mx.example.org\r\n250 ENHANCEDSTATUSCODES';
  if (command.startsWith('RCPT')) return refusal(line) ?? '250 2.1.5 Ok';
  if (command === 'DATA') return '354 Go ahead';
  return command === 'QUIT' ? '221 2.0.0 Bye' : '250 2.0.0 Ok';
}
