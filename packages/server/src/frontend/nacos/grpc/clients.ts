/**
 * The clients: their connections by the TCP connection, their calls, and the messages on their streams. In each request the order is
 * decode, authorise, command.
 */

import { isRegistryError, RegistryError, toRegistryError } from '@rollcall/protocol';
import { plainAddress } from '../../../net/agent-node.ts';
import type { Context } from '../../../net/frontend.ts';
import type { BidiStream, Bytes, Link } from '../../../net/grpc/method.ts';
import { moveAll, moveWhenStale } from '../../../net/moving.ts';
import { principalOf } from '../../../net/principal.ts';
import { deniedNamespace } from '../../../security/access-error.ts';
import type { Caller } from '../../../security/acl.ts';
import type { Origin } from '../../../security/gate.ts';
import { unknownApp, type Subscriber } from '../naming/subscribers.ts';
import { statusByCode } from '../../../net/status-by-code.ts';
import { encodeReply } from './answer.ts';
import { Call, type Parts } from './call.ts';
import { ClientInstances } from './client-instances.ts';
import { ConfigListens } from './config-listens.ts';
import { connectedClient } from './connected.ts';
import { Connection, type ClientInfo } from './connection.ts';
import { errorCodeOf, errorCodes, failure } from './errors.ts';
import { object, text } from './fields.ts';
import { FuzzyWatches } from './fuzzy-watches.ts';
import { messageTypes } from './messages.ts';
import { Subscriptions } from './subscriptions.ts';
import { decodePayload, encodePayload, type JsonObject, type Payload } from './wire.ts';

/** Abilities of this server, which clients ask for when they connect (`ServerAbilities`). */
const abilities = { supportPersistentInstanceByGrpc: true, fuzzyWatch: true, lock: false, mcp: false };

interface Client {
  readonly connection: Connection;
  readonly instances: ClientInstances;
  /** Rights that the connection has used; the end of their token ends it. */
  readonly callers: Map<string, { readonly stop: () => void }>;
  /** Of the newest call. */
  principal: string;
  /** Undefined before the first one. */
  caller: Caller | undefined;
}

export class Clients {
  readonly #context: Context;
  readonly #parts: Parts;
  readonly #clients = new Map<Link, Client>();
  readonly #open = new Set<Connection>();
  readonly #stopMoving: () => void;
  #closing = false;
  #requests = 0;

  constructor(context: Context) {
    this.#context = context;
    const nextId = () => `${++this.#requests}`;
    const { registry, clock, wheel, log, security, limits } = context;
    const subscriptions = new Subscriptions({ registry, clock, wheel, log, security, limits, nextId });
    this.#parts = { context, subscriptions, configListens: new ConfigListens({ registry, wheel, limits, nextId }), fuzzyWatches: new FuzzyWatches({ registry, wheel, nextId }) };
    this.#stopMoving = moveWhenStale(this.#open, context);
    context.clients.add(() => Array.from(this.#clients.values(), (client) => connectedClient(client, this.#parts)));
    context.metrics.observe('rollcall_nacos_connections', 'Open connections of Nacos clients over gRPC', () => this.#open.size);
    context.metrics.observe('rollcall_nacos_subscribed_lists', 'Lists of instances to which Nacos clients subscribe over gRPC', () => this.#parts.subscriptions.size);
  }

  /** Does not reject: errors are answers. */
  async unary(link: Link, bytes: Bytes): Promise<Bytes> {
    let type = 'an unreadable message';
    try {
      const payload = decodePayload(bytes);
      type = payload.type;
      return await this.#answer(link, payload);
    } catch (error) {
      return this.#refuse('ErrorResponse', type, error);
    }
  }

  bidi(link: Link, stream: BidiStream): void {
    let client: Client | undefined;
    const over = () => client?.connection.ended();
    stream.on('data', (bytes: Bytes) => {
      const payload = this.#decoded(bytes);
      if (payload === undefined) return;
      if (payload.type === 'ConnectionSetupRequest') client ??= this.#setUp(link, stream, payload.body);
      else if (client !== undefined) heard(client.connection, payload);
    });
    stream.on('end', () => {
      over();
      stream.end();
    });
    stream.on('cancelled', over);
    stream.on('error', over);
    stream.on('close', over);
  }

  /** The clients that subscribe to a service. @param service its name in the registry */
  *subscribers(namespace: string, service: string): Generator<Subscriber, void, undefined> {
    for (const { connection, clusters } of this.#parts.subscriptions.of(namespace, service)) {
      const { version, labels } = connection.client;
      const { AppName: app } = labels;
      yield { ip: plainAddress(connection.link.address), port: 0, agent: version, app: typeof app === 'string' && app !== '' ? app.slice(0, 128) : unknownApp, clusters };
    }
  }

  drain(): Promise<void> {
    this.#closing = true;
    return moveAll(this.#open, this.#context);
  }

  /** Sends the clients to other servers, or back here after a restart; their instances stay. */
  close(): void {
    this.#closing = true;
    this.#stopMoving();
    for (const connection of [...this.#open]) {
      connection.dismiss();
      connection.release();
    }
  }

  #decoded(bytes: Bytes): Payload | undefined {
    try {
      return decodePayload(bytes);
    } catch (err) {
      this.#context.metrics.request('nacos grpc unreadable', 400);
      this.#context.log.debug({ err }, 'a Nacos client sent an unreadable message on its stream');
      return undefined;
    }
  }

  #setUp(link: Link, stream: BidiStream, body: JsonObject): Client | undefined {
    if (this.#closing || this.#clients.has(link)) {
      stream.end();
      return undefined;
    }
    const connection: Connection = new Connection({ context: this.#context, link, stream, client: clientInfo(body), vouches: () => client.instances.vouches });
    const instances = new ClientInstances({ context: this.#context, connection, principal: () => client.principal });
    const client: Client = { connection, instances, callers: new Map(), principal: `address ${link.address}`, caller: undefined };
    this.#clients.set(link, client);
    this.#open.add(connection);
    connection.onEnd(() => {
      this.#clients.delete(link);
      this.#open.delete(connection);
      for (const { stop } of client.callers.values()) stop();
    });
    // A client that has sent its abilities waits for ours.
    if (body['abilityTable'] !== undefined && body['abilityTable'] !== null) connection.tell('SetupAckRequest', { abilityTable: abilities });
    return client;
  }

  async #answer(link: Link, { type, headers, body }: Payload): Promise<Bytes> {
    if (type === 'ServerCheckRequest') {
      this.#context.metrics.request('nacos grpc ServerCheckRequest', 200);
      return encodeReply('ServerCheckResponse', { connectionId: link.id, supportAbilityNegotiation: true });
    }
    const known = Object.hasOwn(messageTypes, type) ? messageTypes[type] : undefined;
    if (known === undefined) return this.#fail('unknown', errorCodes.noHandler, `there is no message ${JSON.stringify(type.slice(0, 80))} in Rollcall`);
    const client = this.#clients.get(link);
    if (client === undefined) return this.#fail(type, errorCodes.unregistered, 'Connection is unregistered.');
    client.connection.heard();
    try {
      const { connection, instances } = client;
      const caller = this.#enter(client, headers);
      const answer = await known.handle(new Call({ parts: this.#parts, connection, instances, caller, headers, body }));
      this.#context.metrics.request(`nacos grpc ${type}`, 200);
      if (known.access.kind === 'demands-by-name' && known.access.verb === 'write') this.#record(client, caller, type, body);
      return encodeReply(known.reply, answer);
    } catch (error) {
      return this.#refuse(known.reply, type, error, client);
    }
  }

  /** @throws RegistryError `unauthenticated`; TooManyFailures */
  #enter(client: Client, headers: Payload['headers']): Caller {
    const { security } = this.#context;
    const caller = security.gate.enter(headers['accessToken'], originOf(client.connection.link));
    client.principal = principalOf(caller, client.connection.link.address);
    client.caller = caller;
    const { callers, connection } = client;
    if (!security.acl.enabled || callers.has(caller.secretHash)) return caller;
    callers.set(caller.secretHash, { stop: security.acl.onChange(caller, () => this.#rightsChanged(connection, caller)) });
    return caller;
  }

  /** A client whose token has ended connects again with another one; its instances stay for the grace. */
  #rightsChanged(connection: Connection, caller: Caller): void {
    try {
      this.#context.security.acl.refresh(caller);
    } catch (error) {
      if (!isRegistryError(error)) throw error;
      this.#context.security.gate.record('unauthenticated', caller, '', originOf(connection.link), 'the token of a Nacos connection is gone');
      connection.cut('revoked');
    }
  }

  #record({ connection }: Client, caller: Caller, type: string, body: JsonObject): void {
    const named = ['serviceName', 'dataId'].flatMap((field) => (typeof body[field] === 'string' ? [body[field]] : []));
    const namespace = [body['namespace'], body['tenant']].find((each) => typeof each === 'string') ?? '';
    this.#context.security.gate.record('write', caller, namespace, originOf(connection.link), `${type} ${named.join(' ')}`);
  }

  #fail(type: string, errorCode: number, message: string): Bytes {
    this.#context.metrics.request(`nacos grpc ${type}`, errorCode);
    return encodePayload('ErrorResponse', JSON.stringify(failure(errorCode, message)));
  }

  #refuse(replyType: string, type: string, error: unknown, client?: Client): Bytes {
    const { code, message } = toRegistryError(error);
    if (code === 'internal') this.#context.log.error({ err: error, type }, 'a Nacos message failed');
    if (code === 'permission_denied' && client !== undefined) {
      this.#context.security.gate.record('denied', undefined, deniedNamespace(error), originOf(client.connection.link), `${type}: ${message}`);
    }
    this.#context.metrics.request(`nacos grpc ${Object.hasOwn(messageTypes, type) ? type : 'unreadable'}`, statusByCode[code]);
    return encodePayload(replyType, JSON.stringify(failure(errorCodeOf[code], message)));
  }
}

/** A message of the client on its stream: an answer to a request of this server. */
function heard(connection: Connection, { body }: Payload): void {
  connection.heard();
  const { requestId } = body;
  if (typeof requestId === 'string') connection.answered(requestId);
}

function clientInfo(body: JsonObject): ClientInfo {
  try {
    return { version: text(body, 'clientVersion').slice(0, 128), labels: object(body, 'labels') };
  } catch (error) {
    if (error instanceof RegistryError) return { version: '', labels: {} };
    throw error;
  }
}

function originOf({ address }: Link): Origin {
  return { address, via: 'nacos' };
}
