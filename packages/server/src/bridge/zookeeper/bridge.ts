/**
 * Mirrors registrations between a ZooKeeper and a Rollcall that answers ZooKeeper's clients, in one direction or both. It compares the two
 * again whenever a watch tells of a change, and from the beginning after a lost connection. Without both connections it does nothing: it
 * deletes only what a server says is gone, never for a connection of its own.
 *
 * One bridge of a name works at a time; others wait for it with their own lease (`lease.ts`).
 */

import type { Clock } from '../../clock.ts';
import { difference, type Action } from './difference.ts';
import { curatorLayout, dubboLayout, placeOf, type Layout } from './layout.ts';
import { takeLease } from './lease.ts';
import { Side, type SideOptions } from './side.ts';
import { isLost, type View } from './view.ts';
import { perform } from './writes.ts';

export type BridgeDirection = 'from' | 'to' | 'both';

/** How a side is reached. */
export type BridgeEnd = Pick<SideOptions, 'addresses' | 'tls' | 'credential'>;

export interface BridgeOptions {
  readonly zooKeeper: BridgeEnd;
  /** Where Rollcall answers ZooKeeper's clients. */
  readonly rollcall: BridgeEnd;
  /** `from`: what is registered in ZooKeeper appears in Rollcall; `to`: the other way round. */
  readonly direction: BridgeDirection;
  /** Two bridges of one registry need different names: 1 to 64 letters, digits, `-` and `_`. */
  readonly name: string;
  /** Where Curator's services are, such as `/services`. */
  readonly base: string;
  /** Where Dubbo's interfaces are, such as `/dubbo`. */
  readonly dubboBase: string;
  /** Identifies this process to others that wait for it. */
  readonly identity: string;
  readonly clock: Clock;
  readonly report: (news: BridgeNews) => void;
}

export type BridgeNews =
  | { readonly kind: 'connected'; readonly side: string }
  | { readonly kind: 'lost'; readonly side: string; readonly reason: string }
  /** Another bridge of this name works. */
  | { readonly kind: 'waiting'; readonly side: string; readonly holder: string }
  | { readonly kind: 'mirrored'; readonly path: string; readonly what: Action['kind']; readonly to: string }
  /** How many registrations applications themselves have on each side; told when it changes. */
  | { readonly kind: 'counts'; readonly inZooKeeper: number; readonly inRollcall: number }
  /** Told once for each reason. */
  | { readonly kind: 'refused'; readonly path: string; readonly reason: string };

/** Where the bridge keeps its marks and its lease, on both servers. */
export const bridgesRoot = '/rollcall-bridge';
export const rootOf = (name: string): string => `${bridgesRoot}/${name}`;
export const marksRootOf = (name: string): string => `${rootOf(name)}/marks`;
export const leaseOf = (name: string): string => `${rootOf(name)}/lease`;

export const layoutsOf = ({ base, dubboBase }: Pick<BridgeOptions, 'base' | 'dubboBase'>): readonly Layout[] => [curatorLayout(base), dubboLayout(dubboBase)];

/** How often everything is compared without a reason, in milliseconds. */
const wholeMs = 60_000;

/** Until a group is compared again in which another client was quicker, in milliseconds. */
const againMs = 200;

export class Bridge {
  readonly #options: BridgeOptions;
  readonly #layouts: readonly Layout[];
  readonly #zooKeeper: Side;
  readonly #rollcall: Side;
  /** Groups to compare, with their layout. */
  readonly #due = new Map<string, Layout>();
  /** Layouts whose list of groups must be read. */
  readonly #unlisted = new Set<Layout>();
  /** Layouts whose base a side does not have. */
  readonly #baseless = new Map<Side, Set<Layout>>();
  /** Own registrations of each group, by side. */
  readonly #own = new Map<string, readonly [fromZooKeeper: number, fromRollcall: number]>();
  /** What was reported as refused, and is not again while the reason stays. */
  readonly #refused = new Map<string, string>();
  /** The views for which this bridge has the leases. */
  #leased: readonly [View, View] | undefined;
  #toldCounts = '';
  #stopped = false;
  #wake = (): void => {};

  constructor(options: BridgeOptions) {
    this.#options = options;
    this.#layouts = layoutsOf(options);
    const shared = {
      clock: options.clock,
      marksRoot: marksRootOf(options.name),
      onChange: (side: Side, path: string) => this.#changed(side, path),
      onConnected: (side: Side) => this.#connected(side),
      onLost: (side: Side, reason: string) => {
        if (!this.#stopped) options.report({ kind: 'lost', side: side.name, reason });
      },
    };
    this.#zooKeeper = new Side({ ...shared, name: 'ZooKeeper', ...options.zooKeeper });
    this.#rollcall = new Side({ ...shared, name: 'Rollcall', ...options.rollcall });
    for (const side of [this.#zooKeeper, this.#rollcall]) this.#baseless.set(side, new Set());
  }

  /** Works until `stop`. */
  async run(): Promise<void> {
    const sides = [this.#zooKeeper.run(), this.#rollcall.run()];
    while (!this.#stopped) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const cancel = this.#options.clock.timer(wholeMs, () => this.#compareAll());
      const views = this.#views();
      const mayWork = views !== undefined && views[0] === this.#leased?.[0] && views[1] === this.#leased[1];
      if (mayWork) await this.#work(views);
      if (!mayWork || this.#nothingDue()) await woken;
      cancel();
    }
    await Promise.all(sides);
  }

  /** Ends its sessions, and with them its leases. What was mirrored stays. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await Promise.all([this.#zooKeeper.stop(), this.#rollcall.stop()]);
  }

  #views(): readonly [View, View] | undefined {
    const [zooKeeper, rollcall] = [this.#zooKeeper.view, this.#rollcall.view];
    return zooKeeper === undefined || rollcall === undefined ? undefined : [zooKeeper, rollcall];
  }

  #nothingDue(): boolean {
    return this.#due.size === 0 && this.#unlisted.size === 0;
  }

  #connected(side: Side): void {
    this.#options.report({ kind: 'connected', side: side.name });
    const views = this.#views();
    if (views !== undefined) void this.#takeLeases(views);
  }

  /** ZooKeeper's lease first, on all bridges: two of them that wait for each other would wait forever. */
  async #takeLeases(views: readonly [View, View]): Promise<void> {
    const { name, identity, report, clock } = this.#options;
    const path = leaseOf(name);
    try {
      for (const side of [this.#zooKeeper, this.#rollcall]) {
        const { view, connection } = side;
        if (view === undefined || connection === undefined) return;
        const waiting = (holder: string) => report({ kind: 'waiting', side: side.name, holder });
        await takeLease({ view, sessionId: connection.sessionId, path, identity, clock, waiting });
      }
      this.#leased = views;
      this.#compareAll();
    } catch (error) {
      // The next connection takes them again.
      if (!isLost(error)) this.#tellRefused(path, error);
    }
  }

  #compareAll(): void {
    for (const layout of this.#layouts) this.#unlisted.add(layout);
    this.#wake();
  }

  #changed(side: Side, path: string): void {
    const place = placeOf(this.#layouts, path);
    if (place === undefined) return;
    if (place.kind === 'base') this.#unlisted.add(place.layout);
    else {
      if (place.name !== undefined) side.view?.forget(place.group, place.name);
      this.#due.set(place.group, place.layout);
    }
    this.#wake();
  }

  async #work(views: readonly [View, View]): Promise<void> {
    try {
      for (const layout of this.#unlisted) {
        this.#unlisted.delete(layout);
        await this.#told(layout.base, () => this.#list(layout, views));
      }
      for (const [group, layout] of this.#due) {
        this.#due.delete(group);
        await this.#told(group, () => this.#compare(layout, group, views));
      }
      this.#tellCounts();
    } catch (error) {
      // The next connection begins with everything.
      if (!isLost(error)) throw error;
    }
  }

  async #list(layout: Layout, views: readonly [View, View]): Promise<void> {
    for (const [at, side] of [this.#zooKeeper, this.#rollcall].entries()) {
      const view = views[at] as View;
      const groups = await view.groups(layout);
      if (groups === undefined) this.#baseless.get(side)?.add(layout);
      else this.#baseless.get(side)?.delete(layout);
      for (const group of [...(groups ?? []), ...(await view.markedGroups(layout))]) this.#due.set(group, layout);
    }
  }

  async #compare(layout: Layout, group: string, [zooKeeper, rollcall]: readonly [View, View]): Promise<void> {
    const { direction } = this.#options;
    const [inZooKeeper, inRollcall] = [await zooKeeper.entries(group), await rollcall.entries(group)];
    const of = { layout, group };
    if (direction !== 'to') await this.#mirror({ ...of, from: this.#zooKeeper, to: this.#rollcall, view: rollcall, actions: difference(inZooKeeper, inRollcall) });
    if (direction !== 'from') await this.#mirror({ ...of, from: this.#rollcall, to: this.#zooKeeper, view: zooKeeper, actions: difference(inRollcall, inZooKeeper) });
    const own = [inZooKeeper, inRollcall].map((entries) => [...entries.values()].filter(({ mirrored }) => !mirrored).length) as [number, number];
    if (own[0] + own[1] === 0) this.#own.delete(group);
    else this.#own.set(group, own);
  }

  async #mirror({ layout, group, from, to, view, actions }: Mirroring): Promise<void> {
    await sweepMarks(view, group);
    // A server without the base has lost more than registrations, or is another one.
    const baseless = this.#baseless.get(from)?.has(layout) === true;
    for (const action of actions) {
      const path = `${group}/${action.name}`;
      if (action.kind === 'delete' && baseless) {
        this.#tellRefused(path, new Error(`${from.name} has no ${layout.base} any more; what was mirrored from there is kept until "rollcall bridge --clean" removes it`));
        continue;
      }
      await this.#told(path, async () => {
        if (await perform(view, layout, group, action)) this.#options.report({ kind: 'mirrored', path, what: action.kind, to: to.name });
        else {
          view.forget(group, action.name);
          this.#options.clock.timer(againMs, () => this.#changed(to, path));
        }
      });
    }
  }

  /** A refusal of a server is reported, and stops nothing else. */
  async #told(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#refused.delete(path);
    } catch (error) {
      if (isLost(error)) throw error;
      this.#tellRefused(path, error);
    }
  }

  #tellRefused(path: string, error: unknown): void {
    const reason = (error as Error).message;
    if (this.#refused.get(path) !== reason) this.#options.report({ kind: 'refused', path, reason });
    this.#refused.set(path, reason);
  }

  #tellCounts(): void {
    const sum = (at: 0 | 1) => [...this.#own.values()].reduce((total, own) => total + own[at], 0);
    const counts = { inZooKeeper: sum(0), inRollcall: sum(1) };
    const text = JSON.stringify(counts);
    if (text !== this.#toldCounts) this.#options.report({ kind: 'counts', ...counts });
    this.#toldCounts = text;
  }
}

interface Mirroring {
  readonly layout: Layout;
  readonly group: string;
  readonly from: Side;
  readonly to: Side;
  /** Of the target. */
  readonly view: View;
  readonly actions: readonly Action[];
}

/** Deletes marks whose entry is gone, or was replaced by an application. */
async function sweepMarks(view: View, group: string): Promise<void> {
  const marks = await view.marks(group);
  if (marks.length === 0) return;
  const entries = await view.entries(group);
  const stale = marks.filter((name) => entries.get(name)?.mirrored !== true);
  for (const name of stale) await view.delete(view.markOf(`${group}/${name}`));
  if (stale.length === marks.length) await view.delete(view.markOf(group));
}
