/**
 * One stream: a WebSocket from its hello to its end. It reads requests, answers each once, notices
 * when the client is gone, and frees everything when it ends. `requests.ts` carries requests out.
 */

import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import {
  checkRequest,
  defaultNamespace,
  streamProtocol,
  toRegistryError,
  type ErrorCode,
  type HelloFrame,
  type ReplyFrame,
  type RequestFrame,
  type SeenRevision,
  type SessionKey,
} from '@rollcall/protocol';
import type { WebSocket } from 'ws';
import { agentNode, peerAddress } from '../../net/agent-node.ts';
import type { Context } from '../../net/frontend.ts';
import { statusByCode } from '../../net/status-by-code.ts';
import type { ConnectionEnd } from '../../health/connection/connection-session.ts';
import { deniedNamespace } from '../../security/access-error.ts';
import type { Caller } from '../../security/acl.ts';
import type { Origin } from '../../security/gate.ts';
import { StreamAccess, auditAction, changedIn } from './access.ts';
import { closeCodes, errorFrame, type CutReason } from './errors.ts';
import type { Pass } from '../../net/fan-out.ts';
import type { LargeAnswers } from './large-answers.ts';
import { LockRequests } from './lock-requests.ts';
import { Outbox } from './outbox.ts';
import { answer, type Answer, type Streamside } from './requests.ts';
import type { Sessions } from './sessions.ts';
import { StreamClient } from './stream-client.ts';
import { StreamSession, type StreamSessionOptions } from './stream-session.ts';
import { namespaceOf } from '../../net/view-items/view-namespace.ts';
import { welcome } from './welcome.ts';
import { Watches, type Feeds, type WatchesOptions } from './watches.ts';
import { frameText, parseJson, type Message } from './wire.ts';

/** Requests of one stream that may be under way; more are refused. */
export const inFlightMax = 1_024;

/** A client that does not read its answers is cut when they reach this many times the soft limit. */
const hardLimitFactor = 4;

/** Time that a session outlives its stream unless the client asks for another. */
const graceMsDefault = 10_000;

export interface StreamOptions {
  readonly context: Context;
  readonly feeds: Feeds;
  readonly readers: Omit<WatchesOptions['reader'], 'client'>;
  readonly sessions: Sessions;
  readonly large: LargeAnswers;
  readonly socket: Duplex;
  readonly webSocket: WebSocket;
  /** As the handshake's token says, and where it came from. */
  readonly caller: Caller;
  readonly origin: Origin;
  /** The `X-Rollcall-Node` header of the handshake. */
  readonly namedNode: string | undefined;
  readonly pingMs: number;
  readonly onClosed: () => void;
}

export class Stream {
  readonly #options: StreamOptions;
  readonly #context: Context;
  readonly #socket: Duplex;
  readonly #webSocket: WebSocket;
  readonly #outbox: Outbox;
  readonly #watches: Watches;
  readonly #access: StreamAccess;
  /** Checks the rights of the client again; costs about as much as one push for each hundred views. */
  readonly #review: Pass = {
    advance: (budget) => {
      this.#refresh();
      return Math.max(1, budget - Math.ceil(this.#watches.size / 100));
    },
  };
  readonly #remoteAddress: string | undefined;
  readonly #inFlight = new Set<number>();
  /** A hello is under way, or done. */
  #helloCame = false;
  #greeted = false;
  #session: StreamSession | undefined;
  readonly #locks: LockRequests;
  #namespace = defaultNamespace;
  #client: StreamClient | undefined;
  #end: ConnectionEnd = 'died';
  /** The rights of the client may have changed since the last check. */
  #stale = false;
  #bytesRead = 0;
  #flushes = 0;
  #quietVisits = 0;
  #ungreetedVisits = 0;

  constructor(options: StreamOptions) {
    const { context, feeds, socket, webSocket } = options;
    this.#options = options;
    this.#context = context;
    this.#socket = socket;
    this.#webSocket = webSocket;
    this.#remoteAddress = peerAddress(socket as Socket);
    this.#access = new StreamAccess({ security: context.security, caller: options.caller, origin: options.origin, onChange: () => this.#changed() });
    this.#outbox = new Outbox(socket, () => this.#open, () => this.#watches.drained());
    this.#watches = new Watches({
      ...{ feeds, outbox: this.#outbox, access: this.#access },
      ...{ limit: context.limits.watchesPerStreamMax, bufferBytesMax: context.limits.streamBufferBytesMax },
      reader: { ...options.readers, client: () => ({ name: this.#client?.client ?? '', address: this.#remoteAddress }) },
    });
    this.#locks = new LockRequests({ context, access: this.#access, namespace: () => this.#namespace, client: () => ({ client: this.#client?.client ?? '', address: this.#remoteAddress ?? '' }) });
    webSocket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    webSocket.on('close', (code) => this.#closed(code));
    // For a bad frame, `ws` has sent the client a close code (1002, 1007, 1009).
    webSocket.on('error', (err) => context.log.debug({ err }, 'a stream failed'));
  }

  /**
   * Called at even intervals: looks for signs of life since the last call, and pings.
   * @param quietMax visits without a sign of life after which an idle stream is cut
   * @param stuckMax the same for a stream with unread bytes
   */
  visit(quietMax: number, stuckMax: number, withPing: boolean): void {
    const { bytesRead } = this.#socket as Socket;
    const { flushes } = this.#outbox;
    // Reading is a sign of life, too, even if the client sends nothing.
    if (bytesRead !== this.#bytesRead || flushes !== this.#flushes) {
      this.#bytesRead = bytesRead;
      this.#flushes = flushes;
      this.#quietVisits = 0;
    } else if (++this.#quietVisits >= quietMax && (!this.#outbox.busy || this.#quietVisits >= stuckMax)) {
      this.#cut(this.#outbox.busy ? 'stuck' : 'silent', closeCodes.lost);
      return;
    }
    if (!this.#greeted && ++this.#ungreetedVisits >= stuckMax) this.#cut('no hello', closeCodes.policy);
    else if (withPing && !this.#outbox.busy) this.#outbox.ping();
  }

  /** For lists of clients; undefined before the hello. */
  get client(): StreamClient | undefined {
    return this.#client;
  }

  /** Whether instances live as long as this stream. */
  get vouches(): boolean {
    return this.#session?.vouches === true;
  }

  /** The server closes: tells the client to use another server; its instances stay. */
  dismiss(): void {
    this.#end = 'dismissed';
    this.#send({ type: 'go-elsewhere', servers: [] });
    this.#webSocket.close(closeCodes.goingAway, 'the server is closing');
  }

  /** Sends a message that is framed: news that all clients get, or a large answer. */
  push(message: Message): void {
    if (this.#greeted && this.#hasRoom()) this.#outbox.write(message);
  }

  /** Ends the socket without a close frame. */
  terminate(): void {
    this.#webSocket.terminate();
  }

  get #open(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#stale) this.#refresh();
    if (!this.#open) return;
    const message = isBinary ? undefined : parseJson(data);
    if (message === undefined) {
      this.#cut('not json', closeCodes.policy);
      return;
    }
    const checked = checkRequest(message.value);
    if (!checked.ok) {
      this.#refuse('invalid_argument', checked.message, checked.id, 'invalid');
      return;
    }
    const { frame } = checked;
    if (this.#inFlight.has(frame.id)) {
      this.#refuse('invalid_argument', `request ${frame.id} is still under way; give each its own id`, undefined, frame.type);
    } else if (this.#inFlight.size >= inFlightMax) {
      this.#refuse('resource_exhausted', `${inFlightMax} requests are under way, which is the limit; wait for answers`, frame.id, frame.type);
    } else if (!this.#greeted && frame.type !== 'hello') {
      this.#refuse('failed_precondition', 'the first request must be hello', frame.id, frame.type);
    } else void this.#answer(frame);
  }

  async #answer(frame: RequestFrame): Promise<void> {
    const { id, type } = frame;
    this.#inFlight.add(id);
    try {
      const reply = type === 'hello' && !this.#helloCame ? await this.#greet(frame) : await answer(this.#side(), frame);
      this.#inFlight.delete(id);
      this.#record(frame, reply);
      this.#context.metrics.request(`stream ${type}`, 200);
      if ('framed' in reply) this.push(reply.framed);
      else this.#send(reply);
      if (type === 'goodbye') this.#webSocket.close(1000, 'goodbye');
    } catch (error) {
      this.#inFlight.delete(id);
      const { code, message } = toRegistryError(error);
      if (code === 'permission_denied') this.#access.record('denied', deniedNamespace(error), `${type}: ${message}`);
      if (code === 'internal') this.#context.log.error({ err: error, type }, 'a request failed');
      this.#refuse(code, message, id, type);
    }
  }

  #side(): Streamside {
    const kept = { context: this.#context, watches: this.#watches, access: this.#access, locks: this.#locks, large: this.#options.large };
    return { ...kept, namespace: this.#namespace, session: this.#session, client: this.#client };
  }

  async #greet(frame: HelloFrame): Promise<Answer> {
    this.#helloCame = true;
    try {
      if (this.#isBehind(frame.seen)) await this.#context.registry.barrier();
      return await this.#welcome(frame);
    } finally {
      this.#helloCame = this.#greeted;
    }
  }

  /** Whether the client has seen more on another node. */
  #isBehind(seen: SeenRevision | undefined): boolean {
    const { registry, identity } = this.#context;
    return seen?.registry === identity.registryId && seen.revision > registry.state.revision;
  }

  async #welcome(frame: HelloFrame): Promise<Answer> {
    const { context, context: { identity }, namedNode, pingMs } = this.#options;
    if (frame.protocol !== streamProtocol) {
      return errorFrame('unimplemented', `protocol ${frame.protocol} is not spoken here, only ${streamProtocol}`, frame.id);
    }
    const named = namedNode ?? frame.node;
    const node = agentNode(identity, this.#remoteAddress, named);
    const graceMs = frame.graceMs ?? graceMsDefault;
    const namespace = namespaceOf(frame);
    this.#access.demandNamespace(namespace);
    this.#namespace = namespace;
    this.#client = new StreamClient({ context, hello: frame, address: this.#remoteAddress, access: this.#access, watches: this.#watches });
    let resuming: Promise<boolean> | undefined;
    if (frame.session !== undefined) {
      this.#session = this.#claim(frame.session, { node, isNamed: named !== undefined, graceMs, client: frame.client });
      resuming = this.#session.open();
    }
    // Set now, before the session is found: the client may send requests before it has the welcome.
    this.#greeted = true;
    const resumed = (await resuming) ?? false;
    return welcome(context, { id: frame.id, node: this.#session?.node.name ?? node.name, resumed, graceMs, pingMs, namespace });
  }

  #claim(key: SessionKey, client: Pick<StreamSessionOptions, 'node' | 'isNamed' | 'graceMs' | 'client'>): StreamSession {
    const { context, sessions } = this.#options;
    const takenOver = () => this.#cut('taken over', closeCodes.takenOver);
    return new StreamSession({
      ...client,
      context,
      namespace: this.#namespace,
      access: this.#access,
      id: key.id,
      claim: sessions.claim(context.registry.state, this.#namespace, key, takenOver),
      onLost: () => this.#send({ type: 'session-lost' }),
      onMoved: takenOver,
    });
  }

  /** Does and sends nothing for the client until its rights are checked again, at the latest in the next turns. */
  #changed(): void {
    if (!this.#open || this.#stale) return;
    this.#stale = true;
    this.#watches.hold();
    this.#options.feeds.schedule(this.#review);
  }

  #refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    try {
      this.#access.refresh();
    } catch (error) {
      const { code, message } = toRegistryError(error);
      this.#access.record('unauthenticated', this.#namespace, `the stream's token is gone: ${message}`);
      this.#send(errorFrame(code, `${message}; the token of this stream is gone or has ended`));
      this.#end = 'revoked';
      this.#cut('token gone', closeCodes.tokenGone);
      return;
    }
    this.#watches.review();
  }

  #record(frame: RequestFrame, reply: Answer): void {
    const action = 'type' in reply && reply.type === 'done' && reply.applied ? auditAction(frame) : undefined;
    if (action === undefined) return;
    this.#access.record('write', changedIn(frame, this.#namespace), action);
  }

  #refuse(code: ErrorCode, message: string, id: number | undefined, type: RequestFrame['type'] | 'invalid'): void {
    this.#context.metrics.request(`stream ${type}`, statusByCode[code]);
    this.#send(errorFrame(code, message, id));
  }

  #send(frame: ReplyFrame): void {
    if (this.#hasRoom()) this.#outbox.write(frameText(JSON.stringify(frame)));
  }

  /** Cuts a client that sends requests without reading its answers: they would fill the memory. */
  #hasRoom(): boolean {
    if (!this.#open) return false;
    if (!this.#outbox.busy) return true;
    if (this.#outbox.bytes <= hardLimitFactor * this.#context.limits.streamBufferBytesMax) return true;
    this.#cut('flooded', closeCodes.lost);
    return false;
  }

  #cut(reason: CutReason, code: number): void {
    if (!this.#open) return;
    this.#context.metrics.streamsCut.labels({ reason }).inc();
    this.#context.log.info({ reason, remote: this.#remoteAddress }, 'a stream was cut');
    this.#watches.close();
    this.#webSocket.close(code, reason);
    // A client that broke the protocol, or lost its token, gets time to read why; one that is gone, or has another stream, does not.
    if (code === closeCodes.lost || code === closeCodes.takenOver) this.#webSocket.terminate();
  }

  #closed(code: number): void {
    this.#access.close();
    this.#options.feeds.cancel(this.#review);
    this.#watches.close();
    this.#options.large.close();
    const end = code === closeCodes.left ? 'left' : this.#end;
    this.#session?.close(end);
    this.#locks.close(end);
    this.#options.onClosed();
  }
}
