/** A process that calls a service by gRPC's own client of xDS (`caller.mjs`), and what its calls came to. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CallLines } from './call-lines.ts';

export interface CallerOptions {
  /** Ports of servers with xDS, in the order in which they are tried. */
  readonly ports: readonly number[];
  readonly target: string;
  readonly node?: object;
  readonly features?: readonly string[];
  /** Credentials of the channel to the server with xDS. */
  readonly credentials?: string;
  readonly host?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly headers?: readonly string[];
}

/** What calls came to since some moment. */
export interface Outcomes {
  readonly answers: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

export class Caller extends CallLines {
  readonly #child: ChildProcess;
  readonly #folder: string;
  #errors = '';

  constructor({ ports, target, node = {}, features = [], credentials = 'insecure', host = '127.0.0.1', env = {}, headers = [] }: CallerOptions) {
    super(() => this.#errors);
    this.#folder = mkdtempSync(join(tmpdir(), 'rollcall-xds-'));
    const bootstrap = {
      xds_servers: ports.map((port) => ({ server_uri: `${host}:${port}`, channel_creds: [{ type: credentials }], server_features: ['xds_v3', ...features] })),
      node: { id: 'caller', locality: {}, ...node },
    };
    const file = join(this.#folder, 'bootstrap.json');
    writeFileSync(file, JSON.stringify(bootstrap));
    this.#child = spawn(process.execPath, [fileURLToPath(new URL('caller.mjs', import.meta.url)), target, '2', ...headers], {
      env: { ...process.env, ...env, GRPC_XDS_BOOTSTRAP: file },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) => this.add(line));
    this.#child.stderr?.on('data', (text: Buffer) => (this.#errors += text.toString()));
  }

  get outcomes(): Outcomes {
    return { answers: this.answers, failures: this.failures };
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null) {
      const ended = new Promise((done) => this.#child.once('exit', done));
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
