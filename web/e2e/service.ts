import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test as base } from '@playwright/test';

const binary = process.env.POSTRIDER_BIN ?? resolve(import.meta.dirname, '../../bin/postrider');
const UP = 'postrider is up';

type Service = {
  url: string;
  /** Moves the program's clock ahead of the machine's by a duration such as "25h". */
  moveClock: (by: string) => void;
  stop: () => Promise<void>;
};

/** Starts the real program with a private Postgres and the built-in inbox in a scratch folder. */
export async function startService(): Promise<Service> {
  const dir = mkdtempSync(join(tmpdir(), 'postrider-web-'));
  chmodSync(dir, 0o711);
  const args = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dir, '--log-format', 'json'];
  const clock = join(dir, 'clock');
  const moveClock = (by: string) => writeFileSync(clock, by);
  moveClock('0s');
  const child = spawn(binary, args, {
    env: {
      ...process.env,
      DATABASE_URL: '',
      POSTRIDER_PUBLIC_URL: '',
      POSTRIDER_WEBHOOK_ALLOW_PRIVATE: 'true',
      POSTRIDER_FETCH_ALLOW_PRIVATE: 'true',
      POSTRIDER_CLOCK_FILE: clock,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await untilUp(child);
  const stop = async () => {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await gone;
    rmSync(dir, { recursive: true, force: true });
  };
  return { url, moveClock, stop };
}

function untilUp(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    const log: string[] = [];
    if (!child.stderr) throw new Error('the program has no log');
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line);
      if (line.includes(UP)) done(JSON.parse(line).url);
    });
    child.once('error', fail);
    child.once('exit', (code) => fail(new Error(`the program ended with ${code}:\n${log.join('\n')}`)));
  });
}

/** One service for all tests of a file: each file names its own with test.use({ instance: … }), and gets a worker of its own by that. */
export const test = base.extend<object, { instance: string; service: Service }>({
  instance: ['', { option: true, scope: 'worker' }],
  service: [
    async ({ instance }, use) => {
      if (!instance) throw new Error('name the service of this file with test.use({ instance: … })');
      const service = await startService();
      await use(service);
      await service.stop();
    },
    { scope: 'worker', timeout: 120_000 },
  ],
  baseURL: async ({ service }, use) => use(service.url),
});

export const owner = {
  organization: 'The Library Garden',
  name: 'Ada',
  email: 'ada@example.org',
  password: 'correct horse battery',
};

/** A list as a spreadsheet writes it, with rows that cannot be used. */
export function sampleFile(people: number): string {
  const rows = ['Full name;E-mail;City'];
  for (let i = 1; i <= people; i++) {
    rows.push(`Person ${i};person${String(i).padStart(3, '0')}@example.org;Lisbon`);
  }
  rows.push(
    'No Address;;Porto',
    'Broken;broken.example.org;Porto',
    'Gone;bounce1@example.org;Porto',
    'Later;defer1@example.org;Porto',
  );
  return `\ufeff${rows.join('\r\n')}\r\n`;
}
