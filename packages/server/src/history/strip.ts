/**
 * The health of one service over a time, in cells: backwards from today, each change of its instances, of their checks and of their nodes'
 * checks is taken back, and each cell keeps the worst moment in it.
 *
 *   cells   ▕ 3 of 3 ▕ 2 of 3 ▕ 3 of 3 ▕ …       a change ends one interval and begins another; an interval may be many cells, or a part of one
 *
 * As in the list of services, a protect threshold changes nothing here.
 */

import { getsTraffic, worseStatus, type HealthCell, type InstanceStatus } from '@rollcall/protocol';
import { interner } from '../registry/codec.ts';
import type { Frozen } from '../registry/frozen.ts';
import { administrativeStatusOf, statusOfChecks } from '../registry/kind/catalog/effective-status.ts';
import { checksOfInstance, checksOfNode, findInstance, instancesOfService } from '../registry/kind/catalog/find.ts';
import { instanceKey } from '../registry/kind/catalog/keys.ts';
import type { CheckRow, InstanceRow } from '../registry/kind/catalog/rows.ts';
import { keyOf, type Row } from '../registry/kinds.ts';
import { isOf } from '../registry/row.ts';
import type { Cursor } from './format.ts';
import { Scan } from './scan.ts';
import type { Segment } from './segment.ts';
import { units, type Turn } from './slices.ts';
import { anySubject, instanceSubject, nodeSubject, serviceSubject } from './subject.ts';

export interface StripQuestion {
  readonly namespace: string;
  readonly service: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly cells: number;
}

export interface StripSource {
  /** The state of today; it stays frozen until the strip is complete. */
  readonly frozen: Frozen<Row>;
  /** The oldest first. */
  readonly segments: readonly Segment[];
  readonly nowMs: number;
  readonly turn: Turn;
}

/** @returns a cell each, in order; null for one before the history begins, or in the future */
export async function stripOf({ frozen, segments, nowMs, turn }: StripSource, question: StripQuestion): Promise<readonly (HealthCell | null)[]> {
  const { namespace, service, toMs } = question;
  const sinceMs = segments[0]?.base.atMs ?? nowMs;
  const cells = new Cells(question);
  const beginMs = Math.max(question.fromMs, sinceMs);
  let untilMs = Math.min(toMs, nowMs + 1);
  if (beginMs >= untilMs) return cells.all;
  const scan = new Scan({ segments, afterMs: beginMs, upTo: frozen.revision, turn });
  const health = new ServiceHealthBackwards(frozen, namespace, service);
  for (const row of [...instancesOfService(frozen, namespace, service)]) {
    if (scan.slices.spend(health.track(row))) await scan.slices.turn();
  }
  const ofService = serviceSubject(namespace, service);
  await scan.forward((cursor) => (cursor.subject === ofService || cursor.subject === anySubject ? health.trackKey(cursor.key()) : 0));
  await scan.backward(health.subjects, ({ atMs }, entries, cursor) => {
    if (atMs < untilMs) {
      cells.add(atMs, untilMs, health);
      untilMs = atMs;
    }
    return health.takeBack(entries, cursor);
  });
  cells.add(beginMs, untilMs, health);
  return cells.all;
}

class Cells {
  readonly all: (HealthCell | null)[];
  readonly #fromMs: number;
  readonly #cellMs: number;

  constructor({ fromMs, toMs, cells }: StripQuestion) {
    this.all = Array.from<null>({ length: cells }).fill(null);
    this.#fromMs = fromMs;
    this.#cellMs = (toMs - fromMs) / cells;
  }

  /** The service was so from one time to just before another. */
  add(fromMs: number, untilMs: number, { passing, other, worst }: HealthCell): void {
    if (fromMs >= untilMs) return;
    const first = Math.max(0, Math.floor((fromMs - this.#fromMs) / this.#cellMs));
    const end = Math.min(this.all.length, Math.ceil((untilMs - this.#fromMs) / this.#cellMs));
    for (let at = first; at < end; at++) {
      const before = this.all[at];
      if (before === null || before === undefined) {
        this.all[at] = { passing, other, worst };
        continue;
      }
      const isWorse = other > before.other || (other === before.other && passing < before.passing);
      const both = worst === null || before.worst === null ? (worst ?? before.worst) : worseStatus(worst, before.worst);
      this.all[at] = { passing: isWorse ? passing : before.passing, other: isWorse ? other : before.other, worst: both };
    }
  }
}

/** An instance that was of the service at some time, or a node that had one. */
interface Followed {
  readonly checks: Map<string, CheckRow>;
}

interface FollowedInstance extends Followed {
  row: InstanceRow | undefined;
  readonly node: FollowedNode | undefined;
  /** Undefined while it does not exist, or is of another service. */
  status: InstanceStatus | undefined;
}

interface FollowedNode extends Followed {
  readonly instances: Set<FollowedInstance>;
}

class ServiceHealthBackwards implements HealthCell {
  /** Of all that it follows. */
  readonly subjects = new Set<number>();
  readonly #frozen: Frozen<Row>;
  readonly #namespace: string;
  readonly #service: string;
  readonly #intern = interner();
  /** By record key. */
  readonly #instances = new Map<string, FollowedInstance>();
  readonly #nodes = new Map<string, FollowedNode>();
  /** By the record key of a check: what it is about at this moment. */
  readonly #checked = new Map<string, Followed>();
  readonly #byStatus = new Map<InstanceStatus, number>();

  constructor(frozen: Frozen<Row>, namespace: string, service: string) {
    this.#frozen = frozen;
    this.#namespace = namespace;
    this.#service = service;
    this.subjects.add(serviceSubject(namespace, service));
  }

  get passing(): number {
    let passing = 0;
    for (const [status, count] of this.#byStatus) if (getsTraffic(status)) passing += count;
    return passing;
  }

  get other(): number {
    let other = 0;
    for (const [status, count] of this.#byStatus) if (!getsTraffic(status)) other += count;
    return other;
  }

  get worst(): InstanceStatus | null {
    let worst: InstanceStatus | null = null;
    for (const [status, count] of this.#byStatus) if (count > 0) worst = worst === null ? status : worseStatus(worst, status);
    return worst;
  }

  /** Follows the instance with this record key, if it is one of the namespace. @returns the units that this took */
  trackKey(key: string): number {
    if (this.#instances.has(key)) return units.key;
    const [kind, namespace, node, ...id] = key.split('\0');
    return kind === 'instance' && namespace === this.#namespace && node !== undefined ? this.track({ node, id: id.join('\0') }, key) : units.key;
  }

  /** @returns the units that this took */
  track({ node, id }: Pick<InstanceRow, 'node' | 'id'>, key = instanceKey(this.#namespace, node, id)): number {
    const followed: FollowedInstance = { row: findInstance(this.#frozen, this.#namespace, node, id), checks: new Map(), node: node === '' ? undefined : this.#nodeOf(node), status: undefined };
    this.#instances.set(key, followed);
    this.subjects.add(instanceSubject(this.#namespace, node, id));
    for (const check of checksOfInstance(this.#frozen, this.#namespace, node, id)) this.#hold(followed, check);
    followed.node?.instances.add(followed);
    this.#judge(followed);
    return units.follow + followed.checks.size;
  }

  /** Yields the units of each part of its work; the counts are right again at its end. */
  *takeBack(entries: readonly number[], cursor: Cursor): Generator<number, void, undefined> {
    const changed = new Set<FollowedInstance>();
    const nodes = new Set<FollowedNode>();
    for (const at of entries.toReversed()) {
      cursor.moveTo(at);
      const key = cursor.key();
      const instance = this.#instances.get(key);
      const bytes = cursor.valueBytes;
      if (instance !== undefined) {
        instance.row = cursor.before(key, this.#intern) as InstanceRow | undefined;
        changed.add(instance);
      } else if (key.startsWith('check\0')) this.#takeBackCheck(key, cursor.before(key, this.#intern), { instances: changed, nodes });
      yield units.row + bytes * units.byte;
    }
    for (const { instances } of nodes) {
      for (const each of instances) {
        changed.add(each);
        yield units.key;
      }
    }
    for (const each of changed) {
      this.#judge(each);
      yield units.judge + each.checks.size * units.key;
    }
  }

  #takeBackCheck(key: string, before: Row | undefined, changed: { readonly instances: Set<FollowedInstance>; readonly nodes: Set<FollowedNode> }): void {
    const held = this.#checked.get(key);
    held?.checks.delete(key);
    this.#checked.delete(key);
    const holds = isOf<CheckRow>(before, 'check') ? this.#followedBy(before) : undefined;
    if (holds !== undefined) this.#hold(holds, before as CheckRow);
    for (const each of [held, holds]) {
      if (each === undefined) continue;
      if ('instances' in each) changed.nodes.add(each as FollowedNode);
      else changed.instances.add(each as FollowedInstance);
    }
  }

  #followedBy({ namespace, node, instance }: CheckRow): Followed | undefined {
    return instance === '' ? this.#nodes.get(node) : this.#instances.get(instanceKey(namespace, node, instance));
  }

  #nodeOf(name: string): FollowedNode {
    let node = this.#nodes.get(name);
    if (node !== undefined) return node;
    node = { checks: new Map(), instances: new Set() };
    this.#nodes.set(name, node);
    this.subjects.add(nodeSubject(name));
    for (const check of checksOfNode(this.#frozen, name)) this.#hold(node, check);
    return node;
  }

  #hold(followed: Followed, check: CheckRow): void {
    const key = keyOf(check);
    followed.checks.set(key, check);
    this.#checked.set(key, followed);
  }

  #judge(followed: FollowedInstance): void {
    const { row, node, checks, status: before } = followed;
    let status: InstanceStatus | undefined;
    if (row?.service === this.#service) {
      const ofNode = node === undefined ? 'passing' : statusOfChecks(node.checks.values());
      status = statusOfChecks(checks.values(), worseStatus(ofNode, administrativeStatusOf(row)));
    }
    followed.status = status;
    if (before !== undefined) this.#byStatus.set(before, (this.#byStatus.get(before) ?? 0) - 1);
    if (status !== undefined) this.#byStatus.set(status, (this.#byStatus.get(status) ?? 0) + 1);
  }
}
