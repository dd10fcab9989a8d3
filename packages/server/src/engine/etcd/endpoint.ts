/**
 * A connection to one member of etcd: calls with a time limit, streams, and a check whether the member can serve.
 * `connection.ts` decides which member is used, and when it is replaced.
 */

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { Client, connectivityState, credentials, Metadata, status, type ChannelCredentials, type ClientDuplexStream } from '@grpc/grpc-js';
import { RegistryError } from '@rollcall/protocol';
import type { Clock } from '../../clock.ts';
import { CallError, callError, wantsNewToken } from './errors.ts';
import type { EtcdOptions } from './options.ts';
import { methods, type Method } from './wire.ts';

/** How long a member may take to accept a connection and answer its first call. */
const connectMs = 1_500;

/** etcd hashes passwords slowly on purpose (bcrypt). */
const loginMs = 5_000;

/** Since 3.6 a watch loses no event after a compaction, and a lease is not revoked by a former leader (docs/decisions/0061). */
const oldest = [3, 6] as const;

const channelOptions = {
  // Two nodes in one process must not share a connection: one may be cut off on purpose.
  'grpc.use_local_subchannel_pool': 1,
  // etcd treats pings that come faster than every 5 s as an attack, and closes the connection.
  'grpc.keepalive_time_ms': 6_000,
  'grpc.keepalive_timeout_ms': 2_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  // A page of a list, and one transaction in a watch, may be larger than the default of 4 MiB.
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};

interface Login {
  readonly name: string;
  readonly password: string;
}

export class Endpoint {
  readonly url: string;
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #login: Login | undefined;
  /** Functions that cancel the calls without an answer and the open streams. */
  readonly #open = new Set<() => void>();
  #token: string | undefined;

  private constructor(url: string, client: Client, clock: Clock, login: Login | undefined) {
    this.url = url;
    this.#client = client;
    this.#clock = clock;
    this.#login = login;
  }

  /**
   * Connects to a member.
   * @throws CallError when it cannot be reached in time, has no leader, or refuses the user
   * @throws RegistryError `failed_precondition` when it is too old; `invalid_argument` when a file cannot be read
   */
  static async open(url: string, options: EtcdOptions, clock: Clock): Promise<Endpoint> {
    const { host, hostname, protocol } = new URL(url);
    const address = hostname.replace(/^\[|\]$/g, '');
    const security = protocol === 'https:' ? await tls(options, address) : credentials.createInsecure();
    // Node warns of an address as the name of a TLS server; `tls` checks the address.
    const naming = isIP(address) === 0 ? {} : { 'grpc.ssl_target_name_override': 'etcd' };
    const endpoint = new Endpoint(url, new Client(host, security, { ...channelOptions, ...naming }), clock, await loginOf(options));
    try {
      await endpoint.check(connectMs);
      return endpoint;
    } catch (error) {
      endpoint.close();
      throw error;
    }
  }

  /** Asks the member whether it can serve. @throws as `open` */
  async check(ms: number): Promise<void> {
    const { version, leader } = await this.call(methods.status, {}, ms);
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
      const message =
        `etcd at ${this.url} is version ${version}; Rollcall needs ${oldest.join('.')} or newer, ` +
        'since watches of older versions may lose or repeat changes; upgrade etcd first';
      throw new RegistryError('failed_precondition', message);
    }
    if (leader.isZero()) throw new CallError(status.UNAVAILABLE, `the member at ${this.url} has no leader: most members are away`);
  }

  /**
   * Calls a method with one answer.
   * @throws CallError, also after `ms` without an answer, and when the endpoint is closed
   */
  async call<Q, A>(method: Method<Q, A>, request: Q, ms: number): Promise<A> {
    if (this.#login !== undefined && this.#token === undefined) await this.#authenticate();
    try {
      return await this.#call(method, request, ms);
    } catch (error) {
      if (this.#login === undefined || !wantsNewToken(callError(error))) throw error;
      // The call was refused before it was sent.
      await this.#authenticate();
      return this.#call(method, request, ms);
    }
  }

  /** Opens a stream; it is destroyed with an error when the endpoint is closed. */
  stream<Q, A>(method: Method<Q, A>): ClientDuplexStream<Q, A> {
    const stream = this.#client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize, this.#metadata());
    const cancel = () => stream.destroy(new CallError(status.CANCELLED, `the connection to etcd at ${this.url} was given up`));
    this.#open.add(cancel);
    stream.on('close', () => this.#open.delete(cancel));
    return stream;
  }

  /**
   * Calls back once when the connection is lost. gRPC would connect again by itself, but to a member that was started again,
   * perhaps with other data, and the user of this connection must know that.
   */
  onLost(callback: () => void): void {
    const channel = this.#client.getChannel();
    if (channel.getConnectivityState(false) === connectivityState.READY) channel.watchConnectivityState(connectivityState.READY, Infinity, callback);
    else callback();
  }

  /** Ends every call and stream with an error. */
  close(): void {
    for (const cancel of [...this.#open]) cancel();
    this.#client.close();
  }

  async #authenticate(): Promise<void> {
    this.#token = undefined;
    const { token } = await this.#call(methods.authenticate, this.#login as Login, loginMs);
    this.#token = token;
  }

  #call<Q, A>(method: Method<Q, A>, request: Q, ms: number): Promise<A> {
    return new Promise((answered, failed) => {
      const end = () => {
        cancelTimer();
        this.#open.delete(cancel);
      };
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata(),
        (error, answer) => {
          end();
          if (error === null && answer !== undefined) answered(answer);
          else failed(callError(error));
        },
      );
      const giveUp = (message: string) => {
        end();
        failed(new CallError(status.DEADLINE_EXCEEDED, message));
        call.cancel();
      };
      const cancel = () => giveUp(`the connection to etcd at ${this.url} was given up`);
      const cancelTimer = this.#clock.timer(ms, () => giveUp(`etcd at ${this.url} has not answered for ${ms} ms`));
      this.#open.add(cancel);
    });
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#token !== undefined) metadata.set('token', this.#token);
    return metadata;
  }
}

async function loginOf({ user, passwordFile }: EtcdOptions): Promise<Login | undefined> {
  if (user === undefined || passwordFile === undefined) return undefined;
  const content = await read(passwordFile, 'the password for etcd');
  return { name: user, password: content.toString().split(/\r?\n/)[0] as string };
}

/** @param address for which the certificate must be valid */
async function tls({ caFile, certFile, keyFile }: EtcdOptions, address: string): Promise<ChannelCredentials> {
  const optional = (path: string | undefined, what: string) => (path === undefined ? null : read(path, what));
  const [ca, key, cert] = await Promise.all([
    optional(caFile, 'the certificates that etcd is checked against'),
    optional(keyFile, 'the key for etcd'),
    optional(certFile, 'the certificate for etcd'),
  ]);
  return credentials.createSsl(ca, key, cert, { checkServerIdentity: (_name, certificate) => checkServerIdentity(address, certificate) });
}

async function read(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new RegistryError('invalid_argument', `${what} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
