/**
 * The front end of other Rollcall nodes: it takes their WebSocket handshakes, checks their key or token, and gives each connection
 * to the channel (`cluster/channel/`). It knows nothing of logs and heartbeats: what a node may ask is passed in.
 */

import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { defaultNamespace, RegistryError, toRegistryError, type ErrorCode } from '@rollcall/protocol';
import { WebSocketServer } from 'ws';
import { peerPath } from '../../cluster/channel/connect.ts';
import { messageBytesMax } from '../../cluster/channel/frame.ts';
import { decodeHello, encodeHello, type PeerHello } from '../../cluster/channel/hello.ts';
import { Peer, type Method } from '../../cluster/channel/peer.ts';
import type { Context, Exchange, Frontend } from '../../net/frontend.ts';
import { requestToken } from '../../net/request-token.ts';
import { assertAccessDeclared, type Access } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { TooManyFailures, type Origin } from '../../security/gate.ts';
import type { PeerDeps } from './deps.ts';

/** Nodes that may be connected. */
const peersMax = 256;

/** Within which a node must have said hello. */
const helloMs = 10_000;

/** What a token needs that stands in for the cluster key. The log has the records of access control, as a backup has. */
const access: readonly Access[] = [
  { kind: 'demands', resource: 'operator', verb: 'write' },
  { kind: 'demands', resource: 'acl', verb: 'write' },
];

const statusByCode: Readonly<Partial<Record<ErrorCode, number>>> = {
  unauthenticated: 401,
  permission_denied: 403,
  failed_precondition: 412,
  resource_exhausted: 429,
  unavailable: 503,
};

export function peer(context: Context, deps: PeerDeps): Frontend {
  const { log, metrics, clock } = context;
  const { acl, gate } = context.security;
  assertAccessDeclared('peer', access.map((each) => ({ name: peerPath, access: each })));
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: messageBytesMax });
  const open = new Set<Peer>();
  let closing = false;
  metrics.observe('rollcall_peers', 'Other nodes that are connected to this one', () => open.size);

  /** @throws RegistryError when the node may not connect. @returns the caller of a token; undefined for the cluster key */
  function admit(request: IncomingMessage, origin: Origin): Caller | undefined {
    if (closing) throw new RegistryError('unavailable', 'this node is closing');
    const foreign = context.origins.refusal(request);
    if (foreign !== undefined) throw new RegistryError('permission_denied', foreign);
    if (open.size >= peersMax) throw new RegistryError('resource_exhausted', `${peersMax} nodes are connected, which is the limit`);
    const secret = requestToken(request);
    if (secret !== undefined && deps.isClusterKey(secret)) return undefined;
    const refusal = deps.refusal();
    if (refusal !== undefined) throw new RegistryError('failed_precondition', refusal);
    const caller = gate.enter(secret, origin);
    authorize(caller);
    return caller;
  }

  function authorize(caller: Caller): void {
    for (const each of access) if (each.kind === 'demands') acl.authorize(caller, defaultNamespace, each.resource, each.verb);
  }

  function accept(request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller | undefined): void {
    server.handleUpgrade(request, socket, head, (webSocket) => {
      let hello: PeerHello | undefined;
      let leave = () => {};
      let stopListening = () => {};
      const cancelHello = clock.timer(helloMs, () => hello ?? opened.close('no hello came'));
      const greet: Method = {
        kind: 'answer',
        run: async (body) => {
          hello = await welcome(decodeHello(body));
          // A follower learns who it is from the store, and says it again.
          leave();
          if (hello.nodeId !== '') leave = deps.admitted(hello, opened);
          log.info({ peer: hello.nodeId, version: hello.version, remote: request.socket.remoteAddress }, 'another node has connected');
          return encodeHello(deps.welcome());
        },
      };
      const methods = { ...deps.methods(() => hello?.nodeId ?? ''), hello: greet };
      const opened: Peer = new Peer({
        ...{ webSocket, socket: socket as Socket, clock, first: 'hello' },
        methods: () => methods,
        onClosed: (reason, onPurpose) => {
          open.delete(opened);
          cancelHello();
          leave();
          stopListening();
          if (hello !== undefined && !closing) log[onPurpose ? 'info' : 'warn']({ peer: hello.nodeId, reason }, 'the connection to another node has ended');
        },
      });
      open.add(opened);
      metrics.request('peer', 101);
      if (caller === undefined || !acl.enabled) return;
      // The rights of a token may end while it is used.
      stopListening = acl.onChange(caller, () => {
        try {
          authorize(acl.refresh(caller));
        } catch (error) {
          opened.close(toRegistryError(error).message);
        }
      });
    });
  }

  /** @throws RegistryError `failed_precondition` when the node is on another store */
  async function welcome(hello: PeerHello): Promise<PeerHello> {
    const { registryId } = deps.welcome();
    if (hello.registryId === '' || hello.registryId === registryId) return hello;
    throw new RegistryError('failed_precondition', `the node is on the store ${hello.registryId}, and this one on ${registryId}`);
  }

  return {
    name: 'peer',
    http: {
      prefixes: [peerPath],

      handle({ response }: Exchange): void {
        metrics.request('peer', 426);
        const body = `${peerPath} is a WebSocket for other Rollcall nodes\n`;
        response.writeHead(426, { Upgrade: 'websocket', Connection: 'Upgrade', 'Content-Length': body.length });
        response.end(body);
      },

      upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
        const origin = { address: request.socket.remoteAddress ?? '', via: 'peer' };
        try {
          accept(request, socket, head, admit(request, origin));
        } catch (error) {
          const { code, message } = toRegistryError(error);
          if (code === 'internal') log.error({ err: error }, 'a handshake failed');
          if (code === 'permission_denied') gate.record('denied', undefined, '', origin, `handshake of a node: ${message}`);
          const retry = error instanceof TooManyFailures ? [`Retry-After: ${Math.ceil(error.retryAfterMs / 1_000)}`] : [];
          refuse(socket, statusByCode[code] ?? 500, message, code === 'unauthenticated' ? ['WWW-Authenticate: Bearer'] : retry);
        }
      },
    },

    async close(): Promise<void> {
      closing = true;
      for (const each of open) each.close('the other node is closing');
    },
  };

  function refuse(socket: Duplex, status: number, reason: string, more: readonly string[]): void {
    metrics.request('peer', status);
    const length = `Content-Length: ${Buffer.byteLength(reason)}`;
    const head = ['Connection: close', 'Content-Type: text/plain; charset=utf-8', length, ...more];
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('\r\n')}\r\n\r\n${reason}`);
  }
}
