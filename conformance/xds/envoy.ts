/** An Envoy that gets its clusters from servers with xDS, and calls through it that never stop. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Agent, createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CallLines } from './call-lines.ts';

export type Variant = 'GRPC' | 'DELTA_GRPC';

export interface EnvoyOptions {
  readonly program: string;
  readonly variant: Variant;
  /** Of servers with xDS. */
  readonly ports: readonly number[];
  readonly token?: string;
  readonly locality?: { readonly region: string; readonly zone: string };
  /** `edge-1` by default. */
  readonly id?: string;
  /** Requests at a time; 1 by default. */
  readonly callers?: number;
}

const hcm = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const http2 = 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const onLoopback = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** A line for each request that failed: why, and in which cluster. */
const refusals = {
  '@type': 'type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog',
  log_format: { text_format_source: { inline_string: '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_CLUSTER% %UPSTREAM_TRANSPORT_FAILURE_REASON%\n' } },
};

/** As docs/guides/xds.md has it: one listener, whose routes are those of the service `orders`. */
function bootstrap({ variant, ports, token, locality, id = 'edge-1' }: EnvoyOptions): object {
  const metadata = token === undefined ? {} : { initial_metadata: [{ key: 'authorization', value: `Bearer ${token}` }] };
  const services = [{ envoy_grpc: { cluster_name: 'rollcall' }, ...metadata }];
  return {
    cluster_manager: { load_stats_config: { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: services } },
    node: { id, cluster: 'edge', ...(locality === undefined ? {} : { locality }) },
    admin: { address: onLoopback(0) },
    dynamic_resources: {
      ads_config: { api_type: variant, transport_api_version: 'V3', grpc_services: services },
      cds_config: { ads: {}, resource_api_version: 'V3' },
    },
    static_resources: {
      clusters: [
        {
          ...{ name: 'rollcall', type: 'STATIC', connect_timeout: '1s' },
          typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': http2, explicit_http_config: { http2_protocol_options: {} } } },
          load_assignment: { cluster_name: 'rollcall', endpoints: [{ lb_endpoints: ports.map((port) => ({ endpoint: { address: onLoopback(port) } })) }] },
        },
      ],
      listeners: [
        {
          name: 'ingress',
          address: onLoopback(0),
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: {
                    ...{ '@type': hcm, stat_prefix: 'ingress', rds: { route_config_name: 'orders', config_source: { ads: {}, resource_api_version: 'V3' } } },
                    access_log: [{ name: 'envoy.access_loggers.stderr', typed_config: refusals, filter: { status_code_filter: { comparison: { op: 'GE', value: { default_value: 400, runtime_key: 'none' } } } } }],
                    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }],
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  };
}

/** A server of HTTP that answers with its name. */
export interface HttpBackend {
  readonly name: string;
  readonly port: number;
  /** Time that it takes for an answer; 0 at first. */
  takesMs: number;
  /** Status of its answers; 200 at first. */
  status: number;
  /** Most requests that it had at once. */
  atOnce: number;
  /** How many requests of each method it has got. */
  readonly requests: Map<string, number>;
  close(): void;
}

export async function startHttpBackend(name: string): Promise<HttpBackend> {
  let present = 0;
  const server = createServer(({ method = '' }, response) => {
    backend.requests.set(method, (backend.requests.get(method) ?? 0) + 1);
    backend.atOnce = Math.max(backend.atOnce, ++present);
    response.on('close', () => present--);
    response.statusCode = backend.status;
    if (backend.takesMs === 0) response.end(name);
    else setTimeout(() => response.end(name), backend.takesMs);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const backend: HttpBackend = {
    ...{ name, port: (server.address() as AddressInfo).port, takesMs: 0, status: 200, atOnce: 0, requests: new Map<string, number>() },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return backend;
}

export class Envoy extends CallLines {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #agent = new Agent({ keepAlive: true });
  #log = '';
  #admin = '';
  #port = 0;
  #calling = true;
  #loops: Promise<unknown> | undefined;

  private constructor(options: EnvoyOptions) {
    super(() => this.#log);
    this.#folder = mkdtempSync(join(tmpdir(), 'rollcall-envoy-'));
    const config = join(this.#folder, 'envoy.json');
    writeFileSync(config, JSON.stringify(bootstrap(options)));
    // Each Envoy on a machine needs a base id of its own.
    const args = ['--config-path', config, '--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'warning', '--admin-address-path', join(this.#folder, 'admin')];
    this.#child = spawn(options.program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (text: Buffer) => (this.#log += text.toString()));
  }

  /** Resolves when it takes connections, which it does when it has its clusters. */
  static async start(options: EnvoyOptions): Promise<Envoy> {
    const envoy = new Envoy(options);
    await envoy.#eventually('admin port', async () => {
      envoy.#admin = (await readFile(join(envoy.#folder, 'admin'), 'utf8')).trim();
      return envoy.#admin !== '';
    });
    await envoy.#eventually('listener', async () => {
      const { listener_statuses: [listener] = [] } = JSON.parse(await envoy.admin('/listeners?format=json')) as { listener_statuses?: { local_address: { socket_address: { port_value: number } } }[] };
      envoy.#port = listener?.local_address.socket_address.port_value ?? 0;
      // A port is shown before it takes connections.
      return envoy.#port !== 0 && !(await envoy.request('GET')).startsWith('! connect');
    });
    envoy.#loops = Promise.all(Array.from({ length: options.callers ?? 1 }, async () => envoy.#call()));
    return envoy;
  }

  /** The text of a page of its administration. */
  admin(path: string): Promise<string> {
    return fetch(`http://${this.#admin}${path}`).then((response) => response.text());
  }

  get log(): string {
    return this.#log;
  }

  async close(): Promise<void> {
    this.#calling = false;
    await this.#loops;
    this.#agent.destroy();
    if (this.#child.exitCode === null) {
      const ended = new Promise((done) => this.#child.once('exit', done));
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #call(): Promise<void> {
    while (this.#calling) {
      this.add(await this.request('GET'));
      await new Promise((next) => setTimeout(next, 2));
    }
  }

  /** What one more request comes to. */
  request(method: string): Promise<string> {
    return new Promise((done) => {
      const request = send({ method, host: '127.0.0.1', port: this.#port, agent: this.#agent, timeout: 5_000 }, (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => done(response.statusCode === 200 ? text : `! ${response.statusCode} ${text}`));
      });
      request.on('error', (error) => done(`! ${error.message}`));
      request.end();
    });
  }

  async #eventually(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await holds().catch(() => false)) return;
      if (this.#child.exitCode !== null) break;
      await new Promise((next) => setTimeout(next, 100));
    }
    await this.close();
    throw new Error(`Envoy has no ${what}: ${this.#log.slice(-4_000)}`);
  }
}
