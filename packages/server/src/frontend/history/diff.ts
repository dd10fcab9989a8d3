/**
 * What differs between two states of the past, as the caller may read it, in slices. Only rows that have changed since the earlier of both are looked at, so
 * its cost does not depend on the size of the registry. It knows no times.
 */

import { changedKinds, RegistryError, type FieldChange, type HistoryChange } from '@rollcall/protocol';
import { crc32 } from 'node:zlib';
import type { Pace, Work } from '../../net/turns.ts';
import { toInstance, toLockHolder } from '../../net/view-items/items.ts';
import type { Frozen } from '../../registry/frozen.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { findInstance, findNode, instancesOnNode } from '../../registry/kind/catalog/find.ts';
import { servicesAt } from '../../registry/kind/catalog/services-at.ts';
import type { ConfigRow } from '../../registry/kind/config/rows.ts';
import { isPublished } from '../../registry/kind/config/find.ts';
import type { KvRow } from '../../registry/kind/kv/rows.ts';
import { holdersOf } from '../../registry/kind/lock/find.ts';
import type { RouteRow } from '../../registry/kind/route/rows.ts';
import type { Row } from '../../registry/kinds.ts';
import type { Authorizer } from '../../security/authorizer.ts';

export interface DiffQuestion {
  readonly namespace: string;
  readonly authorizer: Authorizer;
  readonly limit: number;
}

export interface Diff {
  readonly changes: readonly HistoryChange[];
  /** There are more than the limit. */
  readonly truncated: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Rows that may have changed: more would take too much memory. */
const rowsMax = 250_000;
/** Characters of a key's value that are shown. */
const valueMax = 400;
const unitsPerRow = 1;
const unitsPerInstance = 8;

/** @throws RegistryError `resource_exhausted` when too much has changed */
export function* diffOf(pace: Pace, from: Frozen<Row>, to: Frozen<Row>, question: DiffQuestion): Work<Diff> {
  const { namespace, authorizer, limit } = question;
  const differ = new Differ(from, to, question);
  const may = (resource: 'service' | 'key' | 'lock' | 'config' | 'node', name: string) => authorizer.allows(namespace, resource, 'read', name);
  for (const key of yield* changedKeys(pace, from, to)) {
    const before = from.get(key);
    const after = to.get(key);
    const row = (after ?? before) as Row;
    if (pace.spend(unitsPerRow)) yield;
    switch (row.kind) {
      case 'instance':
        if (row.namespace === namespace) differ.noteInstance(row.node, row.id);
        break;
      case 'check':
        if (row.instance === '') yield* differ.noteNode(pace, row.node);
        else if (row.namespace === namespace) differ.noteInstance(row.node, row.instance);
        break;
      case 'node':
        yield* differ.noteNode(pace, row.name);
        break;
      case 'kv':
        if (row.namespace === namespace && may('key', row.key)) differ.add({ kind: 'key', name: row.key }, keyFields(before), keyFields(after));
        break;
      case 'config':
        if (row.namespace === namespace && may('config', `${row.app}/${row.name}`)) {
          differ.add({ kind: 'config', name: `${row.app}/${row.name}`, ...(row.cluster === 'default' ? {} : { cluster: row.cluster }) }, configFields(before), configFields(after));
        }
        break;
      case 'route':
        if (row.namespace === namespace && may('service', row.service)) differ.add({ kind: 'route', name: row.service }, routeFields(before), routeFields(after));
        break;
      case 'lock':
      case 'lock-contender':
        if (row.namespace === namespace && may('lock', row.name)) differ.noteLock(row.name);
        break;
      default:
    }
  }
  yield* differ.finish(pace, (service) => may('service', service), (node) => node === '' || may('node', node));
  const changes = differ.changes.toSorted((a, b) => changedKinds.indexOf(a.kind) - changedKinds.indexOf(b.kind) || compare(a.service ?? '', b.service ?? '') || compare(a.name, b.name));
  return { changes: changes.slice(0, limit), truncated: differ.isFull };
}

/** Keys of rows that are not the same in both. */
function* changedKeys(pace: Pace, from: Frozen<Row>, to: Frozen<Row>): Work<readonly string[]> {
  const keys: string[] = [];
  for (const [key, before] of from.changed()) {
    if (pace.spend(unitsPerRow)) yield;
    if (before?.modified === to.get(key)?.modified) continue;
    keys.push(key);
    if (keys.length > rowsMax) throw new RegistryError('resource_exhausted', `more than ${rowsMax} rows have changed between the two times, which is the limit; choose times that are closer together`);
  }
  return keys;
}

class Differ {
  readonly changes: HistoryChange[] = [];
  isFull = false;
  readonly #from: Frozen<Row>;
  readonly #to: Frozen<Row>;
  readonly #namespace: string;
  readonly #limit: number;
  readonly #instances = new Map<string, readonly [node: string, id: string]>();
  readonly #nodes = new Set<string>();
  readonly #locks = new Set<string>();

  constructor(from: Frozen<Row>, to: Frozen<Row>, { namespace, limit }: DiffQuestion) {
    this.#from = from;
    this.#to = to;
    this.#namespace = namespace;
    this.#limit = limit;
  }

  noteInstance(node: string, id: string): void {
    this.#instances.set(`${node}\0${id}`, [node, id]);
  }

  *noteNode(pace: Pace, node: string): Work<void> {
    if (this.#nodes.has(node)) return;
    this.#nodes.add(node);
    for (const frozen of [this.#from, this.#to]) {
      for (const { id } of [...instancesOnNode(frozen, this.#namespace, node)]) {
        this.noteInstance(node, id);
        if (pace.spend(unitsPerRow)) yield;
      }
    }
  }

  noteLock(name: string): void {
    this.#locks.add(name);
  }

  *finish(pace: Pace, mayService: (service: string) => boolean, mayNode: (node: string) => boolean): Work<void> {
    const before = new Set(servicesAt(this.#from, this.#namespace).filter(mayService));
    const after = new Set(servicesAt(this.#to, this.#namespace).filter(mayService));
    for (const name of after) if (!before.has(name)) this.#push({ kind: 'service', change: 'added', name, fields: [] });
    for (const name of before) if (!after.has(name)) this.#push({ kind: 'service', change: 'removed', name, fields: [] });
    for (const name of this.#locks) this.add({ kind: 'lock', name }, this.#lockFields(this.#from, name), this.#lockFields(this.#to, name));
    const was = instanceFields(this.#from, this.#namespace);
    const is = instanceFields(this.#to, this.#namespace);
    for (const [node, id] of this.#instances.values()) {
      if (pace.spend(unitsPerInstance)) yield;
      const [one, other] = [was(node, id), is(node, id)];
      const service = (other ?? one)?.['service'] as string | undefined;
      if (service === undefined || !mayService(service) || !mayNode(node)) continue;
      this.add({ kind: 'instance', name: id, service, node }, one, other);
    }
  }

  add(named: Omit<HistoryChange, 'change' | 'fields'>, before: Fields | undefined, after: Fields | undefined): void {
    const fields = fieldsOf(before, after);
    if (fields.length === 0) return;
    this.#push({ ...named, change: before === undefined ? 'added' : after === undefined ? 'removed' : 'changed', fields });
  }

  #push(change: HistoryChange): void {
    if (this.changes.length < this.#limit) this.changes.push(change);
    else this.isFull = true;
  }

  /** Undefined when it has no holder. */
  #lockFields(frozen: Frozen<Row>, name: string): Fields | undefined {
    const holders = Array.from(holdersOf(frozen, this.#namespace, name), toLockHolder).toSorted((a, b) => compare(a.token, b.token));
    return holders.length === 0 ? undefined : { holders };
  }
}

/** Fields that differ; all of those that are there when one side is missing. */
function fieldsOf(before: Fields = {}, after: Fields = {}): FieldChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field): FieldChange[] => {
    const [one, other] = [before[field], after[field]];
    if (JSON.stringify(one) === JSON.stringify(other)) return [];
    return [{ field, ...(one === undefined ? {} : { before: one }), ...(other === undefined ? {} : { after: other }) }];
  });
}

function instanceFields(frozen: Frozen<Row>, namespace: string): (node: string, id: string) => Fields | undefined {
  const statusOf = statuses(frozen);
  return (node, id) => {
    const row = findInstance(frozen, namespace, node, id);
    if (row === undefined) return undefined;
    const { id: _id, node: _node, ...shown } = toInstance(row, findNode(frozen, node), statusOf(row));
    return { ...shown, ...(row.override === undefined ? {} : { override: row.override }) };
  };
}

function keyFields(row: Row | undefined): Fields | undefined {
  if (row === undefined) return undefined;
  const { value, flags, session } = row as KvRow;
  return { value: valueText(value), ...(flags === 0n ? {} : { flags: flags.toString() }), ...(session === undefined ? {} : { session }) };
}

/** Text if it is UTF-8, else base64; a long one is cut. Its length and checksum tell long values apart that begin alike. */
function valueText(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const text = bytes.toString('utf8');
  const shown = Buffer.from(text, 'utf8').equals(bytes) ? text : `base64:${bytes.toString('base64')}`;
  return shown.length <= valueMax ? shown : `${shown.slice(0, valueMax)}… (${value.length} bytes, crc32 ${crc32(bytes).toString(16)})`;
}

/** Undefined when clients got nothing. Contents are compared by `config diff`, release by release. */
function configFields(row: Row | undefined): Fields | undefined {
  if (row === undefined || !isPublished(row as ConfigRow)) return undefined;
  const { release, md5, format, rollouts, parents } = row as ConfigRow;
  return {
    ...{ release, md5 },
    ...(format === undefined ? {} : { format }),
    ...(parents === undefined ? {} : { parents: parents.map((parent) => `${parent.app}/${parent.name}`) }),
    ...(rollouts === undefined ? {} : { rollouts: rollouts.map(({ name, release: of, staged }) => ({ name, release: of, ...(staged === undefined ? {} : { stage: staged.stage, state: staged.state }) })) }),
  };
}

function routeFields(row: Row | undefined): Fields | undefined {
  return row === undefined ? undefined : { ...(row as RouteRow).route };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
