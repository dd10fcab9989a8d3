/**
 * The registrations of one server as one connection sees them: read once, and again when a watch tells of a change. Watches are the one-shot
 * ones, which every ZooKeeper has. A view ends with its connection: what happened while there was none is found by reading everything again.
 *
 * An entry is mirrored by the bridge if its mark, a znode of the bridge, has the same czxid: both were created by one transaction. An
 * application that has replaced the entry since has given it another one.
 */

import { RegistryError } from '@rollcall/protocol';
import { errorCodes, type OpName } from '../../jute/codes.ts';
import type { RequestBody } from '../../jute/requests.ts';
import type { ReplyBody } from '../../jute/replies.ts';
import type { Connection } from './connection.ts';
import type { Entry } from './difference.ts';
import { groupOf, type Layout } from './layout.ts';

/** Requests that wait for an answer at one time; a ZooKeeper takes 1,000 of all its clients by default. */
const pipelineMax = 200;

/** The server refused a request. */
export class Refused extends Error {
  readonly err: number;

  constructor(op: OpName, path: string, err: number) {
    const name = Object.entries(errorCodes).find(([, code]) => code === err)?.[0] ?? String(err);
    super(`${op} ${path}: ${name}`);
    this.err = err;
  }
}

export interface SeenEntry extends Entry {
  /** Whether it has a mark of this bridge, valid or not. */
  readonly marked: boolean;
}

export class View {
  readonly #connection: Connection;
  readonly #marksRoot: string;
  /** By group and name: entries whose watch is set. */
  readonly #known = new Map<string, Map<string, SeenEntry>>();

  /** @param marksRoot where the marks are: that of `/services/web/i1` is `ROOT/services/web/i1` */
  constructor(connection: Connection, marksRoot: string) {
    this.#connection = connection;
    this.#marksRoot = marksRoot;
  }

  markOf(path: string): string {
    return this.#marksRoot + path;
  }

  /** A watch has told of a change of this entry. */
  forget(group: string, name: string): void {
    this.#known.get(group)?.delete(name);
  }

  /** Groups that exist, and a watch for others; undefined when the base does not exist. */
  async groups(layout: Layout): Promise<string[] | undefined> {
    const services = await this.#children(layout.base);
    return services?.filter((service) => !layout.others.has(service)).map((service) => groupOf(layout, service));
  }

  /** Groups in which the bridge has mirrored something. */
  async markedGroups(layout: Layout): Promise<string[]> {
    const services = (await this.read('getChildren', { path: this.markOf(layout.base), watch: false }))?.children ?? [];
    return services.map((service) => groupOf(layout, service));
  }

  /**
   * The entries of a group; each later change is told by a watch.
   * @throws RegistryError when the connection ends, `Refused` when the server refuses to answer
   */
  async entries(group: string): Promise<ReadonlyMap<string, SeenEntry>> {
    const names = (await this.#children(group)) ?? [];
    const known = this.#known.get(group) ?? new Map<string, SeenEntry>();
    this.#known.set(group, known);
    const present = new Set(names);
    for (const name of known.keys()) if (!present.has(name)) known.delete(name);
    const unknown = names.filter((name) => !known.has(name));
    for (let at = 0; at < unknown.length; at += pipelineMax) {
      await Promise.all(unknown.slice(at, at + pipelineMax).map(async (name) => {
        const entry = await this.#entry(`${group}/${name}`);
        if (entry !== undefined) known.set(name, entry);
      }));
    }
    return known;
  }

  /** Names of a group that have a mark, with an entry or without one. */
  async marks(group: string): Promise<readonly string[]> {
    return (await this.read('getChildren', { path: this.markOf(group), watch: false }))?.children ?? [];
  }

  /** @returns undefined when the znode does not exist */
  async read<O extends 'exists' | 'getData' | 'getChildren'>(op: O, body: RequestBody<O> & { readonly path: string }): Promise<ReplyBody<O> | undefined> {
    const reply = await this.#connection.request(op, body);
    if (reply.err === errorCodes.noNode) return undefined;
    if (reply.body === undefined) throw new Refused(op, body.path, reply.err);
    return reply.body;
  }

  /** One transaction. @throws Refused with the error of the operation that failed */
  async write(operations: RequestBody<'multi'>['operations']): Promise<void> {
    const reply = await this.#connection.request('multi', { operations });
    const [first] = operations;
    if (reply.body === undefined) throw new Refused('multi', first?.path ?? '', reply.err);
    const { results } = reply.body;
    const failed = results.findIndex((each) => each.op === 'error' && each.err !== errorCodes.ok);
    const result = results[failed];
    if (result?.op === 'error') throw new Refused(operations[failed]?.op ?? 'multi', operations[failed]?.path ?? '', result.err);
  }

  /** Creates a znode if it does not exist. @returns whether it did not */
  async create(path: string, data: Buffer | null, flags: number): Promise<boolean> {
    const op = flags === containerFlag ? 'createContainer' : 'create';
    const reply = await this.#connection.request(op, { path, data, acl: openToAll, flags });
    // Servers before 3.5 have no containers.
    if (reply.err === errorCodes.unimplemented && flags === containerFlag) return this.create(path, data, 0);
    if (reply.err !== errorCodes.ok && reply.err !== errorCodes.nodeExists) throw new Refused(op, path, reply.err);
    return reply.err === errorCodes.ok;
  }

  async delete(path: string): Promise<void> {
    const { err } = await this.#connection.request('delete', { path, version: -1 });
    if (err !== errorCodes.ok && err !== errorCodes.noNode && err !== errorCodes.notEmpty) throw new Refused('delete', path, err);
  }

  /** Children, and a watch for their changes; undefined when the znode does not exist, with a watch for its creation. */
  async #children(path: string): Promise<readonly string[] | undefined> {
    for (;;) {
      const found = await this.read('getChildren', { path, watch: true });
      if (found !== undefined) return found.children;
      if ((await this.read('exists', { path, watch: true })) === undefined) return undefined;
    }
  }

  async #entry(path: string): Promise<SeenEntry | undefined> {
    const [found, mark] = await Promise.all([this.read('getData', { path, watch: true }), this.read('exists', { path: this.markOf(path), watch: false })]);
    if (found === undefined) return undefined;
    const { data, stat } = found;
    return { data: Buffer.from(data ?? []), version: stat.version, mirrored: mark?.stat.czxid === stat.czxid, marked: mark !== undefined };
  }
}

/** `CreateMode.CONTAINER`. */
export const containerFlag = 4;

export const openToAll = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }];

/** Whether the connection has ended, and the bridge must wait for the next one. */
export const isLost = (error: unknown): boolean => error instanceof RegistryError;
