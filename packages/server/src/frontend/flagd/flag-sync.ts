/**
 * The methods of `flagd.sync.v1.FlagSyncService`. The selector of a client names its configuration, `APP/NAME`.
 *
 *   SyncFlags ─► the flags now ─► a view changes ─► next turn: another release? ─► the flags again
 *       └──── its rights or its configuration are gone, or it cannot be read: the stream ends with the reason, and the client tries again
 *
 * A client that does not read gets only the newest flags when it does.
 */

import { isNamespaceName, parseFlags, RegistryError } from '@rollcall/protocol';
import type { ConnectedClient } from '../../clients/client.ts';
import { layersFor, shownContent, type Asking } from '../../net/config-layers.ts';
import type { Context } from '../../net/frontend.ts';
import type { GrpcMethod, Header, Link, ServerStream } from '../../net/grpc/method.ts';
import { refusal } from '../../net/grpc/status.ts';
import { tokenOf } from '../../net/principal.ts';
import { requestToken } from '../../net/request-token.ts';
import type { ConfigReader } from '../../registry/kind/config/given.ts';
import { viewsOf, type ConfigName } from '../../registry/kind/config/resolve.ts';
import type { ReleaseRow } from '../../registry/kind/config/rows.ts';
import { assertAccessDeclared, type Access } from '../../security/access.ts';
import type { Caller } from '../../security/acl.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { encodeFlags, noMetadata, paths, selectorIn } from './messages.ts';

/** Open streams of all clients. */
const streamsMax = 10_000;

const access: Access = { kind: 'demands-by-name', resource: 'config', verb: 'read' };

/** The visible surface. */
const syncMethods: readonly { readonly name: string; readonly access: Access }[] = [
  { name: 'SyncFlags', access },
  { name: 'FetchAllFlags', access },
  { name: 'GetMetadata', access: { kind: 'open', why: 'it is empty' } },
];

/** What a client asks for. */
interface Wish {
  readonly name: ConfigName;
  readonly reader: ConfigReader;
}

interface Open extends Wish {
  readonly stream: ServerStream;
  readonly sinceMs: number;
  caller: Caller;
  /** What the client has, or gets when it reads. */
  release: ReleaseRow | undefined;
  /** The client has not read what was sent. */
  isBehind: boolean;
  isScheduled: boolean;
  unwatch: (() => void)[];
  unfollow: () => void;
}

export class FlagSync {
  readonly #context: Context;
  readonly #open = new Set<Open>();
  /** Flags as bytes, for those that see secrets and those that do not. */
  readonly #encoded = new WeakMap<ReleaseRow, Map<string, Buffer>>();
  #isClosing = false;

  /** @throws RegistryError `failed_precondition` if a method declares no access */
  constructor(context: Context) {
    assertAccessDeclared('flagd', syncMethods);
    this.#context = context;
    context.clients.add(() => Array.from(this.#open, connected));
    context.metrics.observe('rollcall_flagd_streams', 'Open streams of clients of flagd sync', () => this.#open.size);
  }

  get methods(): readonly GrpcMethod[] {
    return [
      { kind: 'server', path: paths.sync, call: (link, stream, header) => this.#sync(link, stream, header) },
      { kind: 'unary', path: paths.fetch, call: async (link, request, header) => this.#fetch(link, request, header) },
      { kind: 'unary', path: paths.metadata, call: async () => noMetadata },
    ];
  }

  close(): void {
    this.#isClosing = true;
    for (const open of [...this.#open]) this.#end(open, new RegistryError('unavailable', 'the server closes; connect to another one'));
  }

  #fetch(link: Link, request: Uint8Array, header: Header): Buffer {
    const caller = this.#enter(link, header);
    return this.#flagsFor(caller, this.#wish(link, request, header, caller)).bytes;
  }

  #sync(link: Link, stream: ServerStream, header: Header): void {
    try {
      if (this.#isClosing) throw new RegistryError('unavailable', 'the server closes; connect to another one');
      if (this.#open.size >= streamsMax) throw new RegistryError('resource_exhausted', `${streamsMax} streams of flags are open, which is the limit; use another node`);
      const caller = this.#enter(link, header);
      const open: Open = { ...this.#wish(link, stream.request, header, caller), stream, sinceMs: this.#context.clock.now(), caller, release: undefined, isBehind: false, isScheduled: false, unwatch: [], unfollow: () => {} };
      this.#send(open);
      this.#open.add(open);
      this.#follow(open);
    } catch (error) {
      refuse(stream, error);
    }
  }

  #follow(open: Open): void {
    const { stream } = open;
    const { acl } = this.#context.security;
    const end = () => this.#forget(open);
    stream.on('close', end).on('cancelled', end).on('error', end);
    stream.on('drain', () => {
      open.isBehind = false;
      this.#schedule(open);
    });
    if (acl.enabled) open.unfollow = acl.onChange(open.caller, () => this.#schedule(open));
    this.#watch(open);
  }

  #watch(open: Open): void {
    const { state, views } = this.#context.registry;
    for (const end of open.unwatch) end();
    open.unwatch = viewsOf(state, open.name, open.reader).map((view) => views.watch(view, () => this.#schedule(open)));
  }

  /** Called within the transaction that changed a view: it only notes that. */
  #schedule(open: Open): void {
    if (open.isScheduled) return;
    open.isScheduled = true;
    setImmediate(() => {
      open.isScheduled = false;
      if (!this.#open.has(open)) return;
      try {
        open.caller = this.#context.security.acl.refresh(open.caller);
        this.#watch(open);
        this.#send(open);
      } catch (error) {
        this.#end(open, error);
      }
    });
  }

  /** Sends the flags unless the client has them. */
  #send(open: Open): void {
    if (open.isBehind) return;
    const { release, bytes } = this.#flagsFor(open.caller, open);
    if (release === open.release) return;
    open.release = release;
    open.isBehind = !open.stream.write(bytes);
  }

  /** @throws RegistryError `not_found`, `permission_denied`; `failed_precondition` for a content that has no flags */
  #flagsFor(caller: Caller, { name, reader }: Wish): { readonly release: ReleaseRow; readonly bytes: Buffer } {
    const asking: Asking = { context: this.#context, caller };
    const [layer] = layersFor(asking, name, reader);
    if (layer === undefined) throw new RegistryError('not_found', `there is no configuration ${name.app}/${name.name}; the selector of the client is APP/NAME`);
    const { release } = layer;
    const text = shownContent(asking, release);
    const kept = this.#encoded.get(release) ?? new Map<string, Buffer>();
    this.#encoded.set(release, kept);
    let bytes = kept.get(text);
    if (bytes === undefined) {
      const parsed = parseFlags(text);
      if (!parsed.ok) throw new RegistryError('failed_precondition', `configuration ${name.app}/${name.name} has no definitions of flags: ${parsed.message}`);
      kept.set(text, (bytes = encodeFlags(text)));
    }
    return { release, bytes };
  }

  #enter({ address }: Link, header: Header): Caller {
    const headers = { authorization: header('authorization'), 'x-consul-token': header('x-consul-token') };
    return this.#context.security.gate.enter(requestToken({ headers }), { address, via: 'flagd' });
  }

  /** @throws RegistryError `invalid_argument` */
  #wish({ address }: Link, request: Uint8Array, header: Header, caller: Caller): Wish {
    const selector = selectorIn(request) || (header('flagd-selector') ?? '');
    const [, app, name] = /^([^/]+)\/(.+)$/s.exec(selector) ?? [];
    if (app === undefined || name === undefined) throw new RegistryError('invalid_argument', `the selector is ${JSON.stringify(selector.slice(0, 200))}; it must be APP/NAME, the configuration that has the flags`);
    const namespace = header('x-rollcall-namespace') ?? caller.namespace;
    if (!isNamespaceName(namespace)) throw new RegistryError('invalid_argument', `namespace ${JSON.stringify(namespace.slice(0, 80))} is not a DNS label of letters, digits and hyphens, 63 characters at most`);
    return { name: { namespace: namespaceFor(caller, namespace), app, name }, reader: { app, address } };
  }

  #end(open: Open, error: unknown): void {
    this.#forget(open);
    refuse(open.stream, error);
  }

  #forget(open: Open): void {
    if (!this.#open.delete(open)) return;
    open.unfollow();
    for (const end of open.unwatch) end();
  }
}

/** As lists of clients show it. */
function connected(open: Open): ConnectedClient {
  const { name: { namespace, app, name }, reader: { address }, caller, sinceMs } = open;
  const of = { namespace, name: `${app}/${name}` };
  return {
    ...{ key: open, client: 'a provider of flagd', namespace, address, via: 'flagd', sinceMs, accessorId: tokenOf(caller) },
    watches: () => [{ kind: 'config', ...of }],
    releases: () => [{ ...of, release: open.release?.number ?? 0 }],
  };
}

function refuse(stream: ServerStream, error: unknown): void {
  // Emitting an error without a listener would throw.
  stream.on('error', () => {});
  stream.emit('error', refusal(error));
}
