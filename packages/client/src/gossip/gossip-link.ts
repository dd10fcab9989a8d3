/**
 * A group without a server in the place of a registry: answers the frames of this client from the group's instances. So the
 * rest of the client is the same with a registry and without. It knows no other kinds of rows: keys, locks and
 * configurations need a registry.
 */

import {
  RegistryError,
  defaultNamespace,
  streamProtocol,
  toRegistryError,
  type FrameItem,
  type FrameItemKey,
  type FrameView,
  type Instance,
  type InstanceRegistration,
  type InstanceStatus,
  type RequestFrame,
} from '@rollcall/protocol';
import type { CatalogChange, Group, InstanceRow } from '@rollcall/gossip';
import type { LinkOptions, RegistryLink } from '../connection/registry-link.ts';
import { viewIn, viewKey } from '../connection/view-name.ts';

export interface GossipLinkOptions {
  readonly group: Group;
  /** Namespace of the instances that this client registers. */
  readonly namespace: string;
  /** Node that they are on. */
  readonly node: string;
  /** Rows of this client by the id of their instance; they outlive the link. */
  readonly own: Map<string, InstanceRow>;
}

interface Watched {
  readonly view: FrameView;
  revision: number;
  put: Map<string, Instance>;
  remove: Map<string, FrameItemKey>;
}

const statuses: Readonly<Record<NonNullable<InstanceRegistration['status']>, InstanceStatus>> = {
  ...{ up: 'passing', starting: 'starting', draining: 'draining', out_of_service: 'maintenance', down: 'critical' },
};

export class GossipLink implements RegistryLink {
  readonly server: string;
  readonly #options: GossipLinkOptions;
  readonly #link: LinkOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #stopListening: () => void;
  #revision = 1;
  #isTelling = false;
  #hasEnded = false;

  constructor(options: GossipLinkOptions, link: LinkOptions) {
    this.server = link.server;
    this.#options = options;
    this.#link = link;
    this.#stopListening = options.group.onChange((change) => this.#changed(change));
    // The other members are known by then, if a seed answered: the first list is not empty for want of time.
    void options.group.joined.then(() => this.#hasEnded || link.onOpen());
  }

  send(frame: RequestFrame): void {
    queueMicrotask(() => {
      if (this.#hasEnded) return;
      try {
        this.#answer(frame);
      } catch (error) {
        const { code, message } = toRegistryError(error);
        this.#link.onFrame({ type: 'error', id: frame.id, code, message });
      }
    });
  }

  pinged(): void {}

  cut(reason: string, refusal?: RegistryError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#stopListening();
    this.#link.onEnd({ reason, ...(refusal !== undefined && { refusal }) });
  }

  leave(reason: string): void {
    this.cut(reason);
  }

  /** Revisions begin anew with each process, so each is a registry of its own for what a disk cache has kept. */
  get #identity(): string {
    const { group } = this.#options;
    return `gossip ${group.group} ${group.name} ${group.members()[0]?.incarnation ?? 0}`;
  }

  #answer(frame: RequestFrame): void {
    const { namespace, own } = this.#options;
    const done = () => this.#link.onFrame({ type: 'done', id: frame.id, applied: true });
    switch (frame.type) {
      case 'hello':
        this.#link.onFrame({
          ...{ type: 'welcome', id: frame.id, protocol: streamProtocol, registry: this.#identity, node: this.#options.node },
          ...{ server: { name: 'gossip', version: String(streamProtocol) }, resumed: false, graceMs: 0, pingMs: 1_000, namespace },
        });
        return;
      case 'register':
        for (const instance of frame.instances) this.#register(instance);
        return done();
      case 'deregister':
        for (const id of frame.instances) this.#deregister(id);
        return done();
      case 'drain':
        for (const id of frame.instances) {
          const row = own.get(id);
          if (row !== undefined) this.#put(id, { ...row, instance: { ...row.instance, status: 'draining' } });
        }
        return done();
      case 'goodbye':
        for (const id of own.keys()) this.#deregister(id);
        return done();
      case 'watch':
        this.#watch(frame.id, frame.views);
        return;
      case 'unwatch':
        for (const view of frame.views) this.#watched.delete(viewKey(view));
        return done();
      case 'get':
        this.#link.onFrame({ type: 'snapshot', id: frame.id, view: frame.view, revision: this.#revision, items: this.#items(frame.view) });
        return;
      case 'beat':
        throw new RegistryError('not_found', `instance ${frame.instance} has no check ${frame.check}: a group without a server makes none; report a status with update`);
      default:
        throw needsRegistry(frame.type);
    }
  }

  #register(registration: InstanceRegistration): void {
    const { group, node, namespace } = this.#options;
    const { id, service, address = group.address.host, port = 0, tags = [], meta = {}, weight = 1, status = 'up', enabled = true } = registration;
    const { checks = [], persistent = false } = registration;
    if (checks.length > 0) throw new RegistryError('unimplemented', `${id} has checks, which a registry makes; in a group without a server report a status with update`);
    if (persistent) throw new RegistryError('unimplemented', `${id} is persistent; in a group without a server an instance ends with its process`);
    const { scheme, ports, zone, region, cluster } = registration;
    const optional = { scheme, ports, zone, region, cluster };
    const instance: Instance = {
      ...{ id, service, node, address, port, tags, meta, weight, status: enabled ? statuses[status] : 'maintenance' },
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    };
    this.#put(id, { namespace, instance });
  }

  #put(id: string, row: InstanceRow): void {
    this.#options.group.put(row);
    this.#options.own.set(id, row);
  }

  #deregister(id: string): void {
    const { group, own } = this.#options;
    const row = own.get(id);
    if (row !== undefined) group.remove(row);
    own.delete(id);
  }

  #watch(id: number, views: readonly FrameView[]): void {
    for (const view of views) this.#items(view);
    const watched = views.map((view): Watched => ({ view, revision: this.#revision, put: new Map(), remove: new Map() }));
    this.#link.onFrame({ type: 'watching', id, revisions: watched.map(({ revision }) => revision) });
    for (const each of watched) {
      const { kind, namespace, name } = each.view;
      const view = viewIn(namespace ?? defaultNamespace, kind, name);
      this.#watched.set(viewKey(view), each);
      this.#link.onFrame({ type: 'snapshot', view, revision: each.revision, items: this.#items(view) });
    }
  }

  /** @throws RegistryError `unimplemented` for a view that a group does not have */
  #items({ kind, namespace = defaultNamespace, name }: FrameView): FrameItem[] {
    if (kind === 'service') return this.#options.group.instances(name, namespace);
    if (kind === 'services') return this.#options.group.services(namespace);
    // A group has no routes: programs go by their own options.
    if (kind === 'route') return [];
    throw needsRegistry(kind);
  }

  #changed({ namespace, service, put, remove }: CatalogChange): void {
    const watched = this.#watched.get(viewKey(viewIn(namespace, 'service', service)));
    for (const instance of put) {
      watched?.put.set(`${instance.node}\n${instance.id}`, instance);
      watched?.remove.delete(`${instance.node}\n${instance.id}`);
    }
    for (const [node, id] of remove as readonly (readonly [string, string])[]) {
      watched?.put.delete(`${node}\n${id}`);
      watched?.remove.set(`${node}\n${id}`, [node, id]);
    }
    const services = this.#watched.get(viewKey(viewIn(namespace, 'services', '')));
    if (watched === undefined && services === undefined) return;
    this.#revision++;
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => this.#tell());
  }

  /** Sends the changes of this turn at once. */
  #tell(): void {
    this.#isTelling = false;
    if (this.#hasEnded) return;
    const revision = this.#revision;
    for (const watched of this.#watched.values()) {
      const { view, revision: from, put, remove } = watched;
      if (view.kind === 'services') this.#link.onFrame({ type: 'snapshot', view, revision, items: this.#items(view) });
      else if (put.size > 0 || remove.size > 0) this.#link.onFrame({ type: 'delta', view, from, revision, put: [...put.values()], remove: [...remove.values()] });
      else continue;
      Object.assign(watched, { revision, put: new Map(), remove: new Map() });
    }
  }
}

function needsRegistry(what: string): RegistryError {
  return new RegistryError('unimplemented', `${what} needs a registry; a group without a server has instances only: connect with \`servers\``);
}
