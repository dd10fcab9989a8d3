/**
 * Decides whether transactions that append to lists and read them are serializable, after Elle (Kingsbury and Alvaro, "Elle:
 * Inferring Isolation Anomalies from Experimental Observations", VLDB 2020): a list shows the order of its appends, so reads
 * show the order of the transactions, and a cycle among transactions is one of Adya's anomalies.
 *
 *   ww  appended the element before that of the other            G0        a cycle of ww
 *   wr  appended the last element that the other has read        G1c       a cycle of ww and wr
 *   rw  read the list as it was before the other's element       G-single  a cycle with one rw; G2 with several
 *
 * It also finds reads of elements that were never committed, and lists that no order of appends explains.
 */

export interface ListTransaction {
  readonly id: number;
  /** Whether it committed; undefined when that is unknown. Then its reads are unknown, too. */
  readonly committed?: boolean | undefined;
  readonly steps: readonly ListStep[];
}

export type ListStep =
  /** `element` is unique among all elements of `list`. */
  | { readonly kind: 'append'; readonly list: string; readonly element: number }
  | { readonly kind: 'read'; readonly list: string; readonly elements: readonly number[] };

export type AnomalyName = 'G0' | 'G1a' | 'G1b' | 'G1c' | 'G-single' | 'G2' | 'duplicate' | 'incompatible order' | 'unknown element' | 'own write';

export interface Anomaly {
  readonly name: AnomalyName;
  /** The transactions of the cycle in order, or those that contradict each other. */
  readonly transactions: readonly number[];
  readonly text: string;
}

type EdgeKind = 'ww' | 'wr' | 'rw';
type Edges = Map<number, Map<number, Set<EdgeKind>>>;

export function checkListAppend(transactions: readonly ListTransaction[]): Anomaly[] {
  const anomalies: Anomaly[] = [];
  const writers = writersOf(transactions);
  const byId = new Map(transactions.map((transaction) => [transaction.id, transaction]));
  const orders = longestReads(transactions, anomalies);
  for (const transaction of transactions) {
    if (transaction.committed === true) checkReads(transaction, writers, byId, anomalies);
  }
  return [...anomalies, ...cyclesOf(dependencies(transactions, orders, writers))];
}

const nameOf = (list: string, element: number): string => `${list}\0${element}`;

function writersOf(transactions: readonly ListTransaction[]): Map<string, number> {
  const writers = new Map<string, number>();
  for (const { id, steps } of transactions) {
    for (const step of steps) if (step.kind === 'append') writers.set(nameOf(step.list, step.element), id);
  }
  return writers;
}

/** The longest read of each list; every other read must be a beginning of it. */
function longestReads(transactions: readonly ListTransaction[], anomalies: Anomaly[]): Map<string, readonly number[]> {
  const longest = new Map<string, { readonly elements: readonly number[]; readonly id: number }>();
  for (const { list, elements, id } of readsOf(transactions)) {
    if (elements.length >= (longest.get(list)?.elements.length ?? 0)) longest.set(list, { elements, id });
    if (new Set(elements).size < elements.length) {
      anomalies.push({ name: 'duplicate', transactions: [id], text: `transaction ${id} read ${list} as ${elements.join()}: an element twice` });
    }
  }
  for (const { list, elements, id } of readsOf(transactions)) {
    const order = longest.get(list);
    if (order === undefined || elements.every((element, index) => order.elements[index] === element)) continue;
    const text = `${list} was read as ${elements.join()} by ${id} and as ${order.elements.join()} by ${order.id}`;
    anomalies.push({ name: 'incompatible order', transactions: [id, order.id], text });
  }
  return new Map([...longest].map(([list, { elements }]) => [list, elements]));
}

/** Reads of committed transactions, without the elements that the transaction itself appended before. */
function* readsOf(transactions: readonly ListTransaction[]): Generator<{ list: string; elements: readonly number[]; id: number }> {
  for (const { id, committed, steps } of transactions) {
    if (committed !== true) continue;
    const own = new Set<string>();
    for (const step of steps) {
      if (step.kind === 'append') own.add(nameOf(step.list, step.element));
      else yield { list: step.list, elements: step.elements.filter((element) => !own.has(nameOf(step.list, element))), id };
    }
  }
}

/** G1a: an element of a transaction that did not commit. G1b: a list in the middle of another transaction. */
function checkReads(
  { id, steps }: ListTransaction,
  writers: ReadonlyMap<string, number>,
  byId: ReadonlyMap<number, ListTransaction>,
  anomalies: Anomaly[],
): void {
  const own = new Map<string, number[]>();
  for (const step of steps) {
    if (step.kind === 'append') {
      own.set(step.list, [...(own.get(step.list) ?? []), step.element]);
      continue;
    }
    const mine = own.get(step.list) ?? [];
    if (mine.some((element, index) => step.elements.at(index - mine.length) !== element)) {
      anomalies.push({ name: 'own write', transactions: [id], text: `transaction ${id} read ${step.list} without what it appended` });
    }
    for (const element of step.elements) {
      const writer = writers.get(nameOf(step.list, element));
      if (writer === undefined) {
        anomalies.push({ name: 'unknown element', transactions: [id], text: `transaction ${id} read ${element} in ${step.list}, which no transaction appended` });
      } else if (byId.get(writer)?.committed === false) {
        anomalies.push({ name: 'G1a', transactions: [id, writer], text: `transaction ${id} read ${element} in ${step.list}, of ${writer}, which did not commit` });
      }
    }
    const last = step.elements.at(-1);
    const writer = last === undefined ? undefined : writers.get(nameOf(step.list, last));
    if (last === undefined || writer === undefined || writer === id) continue;
    const appended = byId.get(writer)?.steps.filter((each) => each.kind === 'append' && each.list === step.list) ?? [];
    const final = appended.at(-1);
    if (final?.kind === 'append' && final.element !== last) {
      anomalies.push({ name: 'G1b', transactions: [id, writer], text: `transaction ${id} read ${step.list} in the middle of ${writer}` });
    }
  }
}

function dependencies(
  transactions: readonly ListTransaction[],
  orders: ReadonlyMap<string, readonly number[]>,
  writers: ReadonlyMap<string, number>,
): Edges {
  const edges: Edges = new Map();
  const writer = (list: string, element: number | undefined) => (element === undefined ? undefined : writers.get(nameOf(list, element)));
  const add = (from: number | undefined, to: number | undefined, kind: EdgeKind) => {
    if (from === undefined || to === undefined || from === to) return;
    const targets = edges.get(from) ?? new Map<number, Set<EdgeKind>>();
    edges.set(from, targets);
    targets.set(to, (targets.get(to) ?? new Set<EdgeKind>()).add(kind));
  };
  for (const [list, order] of orders) {
    order.forEach((element, index) => {
      if (index > 0) add(writer(list, order[index - 1]), writer(list, element), 'ww');
    });
  }
  for (const { list, elements, id } of readsOf(transactions)) {
    add(writer(list, elements.at(-1)), id, 'wr');
    const order = orders.get(list) ?? [];
    // Its own append may be the next one; then the ww edge already covers the one after that.
    add(id, writer(list, order[elements.length]), 'rw');
  }
  return edges;
}

/** A cycle of each kind, the worst first, at most one for each pair of transactions that begins it. */
function cyclesOf(edges: Edges): Anomaly[] {
  const kinds: readonly { readonly name: AnomalyName; readonly first: EdgeKind; readonly rest: readonly EdgeKind[] }[] = [
    { name: 'G0', first: 'ww', rest: ['ww'] },
    { name: 'G1c', first: 'wr', rest: ['ww', 'wr'] },
    { name: 'G-single', first: 'rw', rest: ['ww', 'wr'] },
    { name: 'G2', first: 'rw', rest: ['ww', 'wr', 'rw'] },
  ];
  const found: Anomaly[] = [];
  for (const { name, first, rest } of kinds) {
    const inCycle = new Set(found.flatMap(({ transactions }) => transactions));
    for (const [from, targets] of edges) {
      for (const [to, between] of targets) {
        if (!between.has(first) || (inCycle.has(from) && inCycle.has(to))) continue;
        const back = path(edges, to, from, new Set(rest));
        if (back === undefined) continue;
        const cycle = [from, ...back.slice(0, -1)];
        for (const id of cycle) inCycle.add(id);
        found.push({ name, transactions: cycle, text: `${name}: transactions ${[...cycle, from].join(' → ')}` });
      }
    }
  }
  return found;
}

/** The shortest way over edges of these kinds, both ends included. */
function path(edges: Edges, from: number, to: number, kinds: ReadonlySet<EdgeKind>): number[] | undefined {
  const cameFrom = new Map<number, number>([[from, from]]);
  const queue = [from];
  for (const at of queue) {
    if (at === to) break;
    for (const [next, between] of edges.get(at) ?? []) {
      if (cameFrom.has(next) || ![...between].some((kind) => kinds.has(kind))) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  if (!cameFrom.has(to)) return undefined;
  const way = [to];
  for (let at = to; at !== from; ) {
    at = cameFrom.get(at) ?? from;
    way.unshift(at);
  }
  return way;
}
