/**
 * Consistent hashing on a ring (D. Karger et al., "Consistent Hashing and Random Trees", STOC 1997) with
 * the points of libketama: a key belongs to the first point at or after its hash. A node that leaves
 * gives up its own keys only, to many others; with v points per node the shares spread by about 1/√v.
 *
 *     cells, by upper bits    │ 0     │ 1     │ 2     │ 3     │     where the cell's points begin
 *     points, ascending         ·  · ·    ·      ·  ·     ·  ·  ∙   and whose they are; the last one
 *                                                                  stands for the first, round the ring
 *
 * There are about as many cells as points, so a lookup goes to its cell and sees one or two points:
 * O(1) expected, where the usual binary search is O(log points) and misses the cache at every step.
 */

import { RegistryError } from '@rollcall/protocol';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { firstAccepted, type HashNodes, type HashTable, inNameOrder, type NodeFilter } from './hash-table.ts';
import { digestCounts, pointsOf, pointsPerDigest } from './ketama-points.ts';

export interface RingOptions {
  /**
   * Mean number of points per node, virtual nodes elsewhere: a multiple of 4, from 4 to 65,536. 160 by
   * default, as in libketama. A thousand nodes of 160 points take 3 MB.
   */
  readonly pointsPerNode?: number;
  /** An earlier ring: the points of its nodes are reused. The result is the same without it. */
  readonly previous?: RingTable;
}

const ringOptions: OptionNames<RingOptions> = { pointsPerNode: true, previous: true };

/** Nodes × points per node: 64 MB. */
const pointsMax = 2 ** 22;
/** Number of points that `lookupAmong` tries in the ring's order before it takes any accepted node. */
const walkMax = 4096;

export class RingTable implements HashTable {
  readonly size: number;
  /** Pairs of a point and its node, ascending by point, and one more that leads back to the first. */
  readonly #ring: Uint32Array;
  /** Index into the pairs of the first point in each cell, or after it. */
  readonly #cells: Uint32Array;
  /** The cell of a hash is its bits from here up. */
  readonly #shift: number;
  readonly #order: Uint32Array;
  readonly #points = new Map<string, Uint32Array>();

  /**
   * O(points · log points); MD5 of 40 short strings per node is most of it.
   * @throws RegistryError `invalid_argument` for names that occur twice, a weight that is not above 0,
   *   `pointsPerNode` out of its range, or more than 4,194,304 points altogether
   */
  constructor(nodes: HashNodes, options: RingOptions = {}) {
    const { pointsPerNode = 160, previous } = options;
    checkKnown(options, ringOptions, 'RingTable');
    const digests = pointsPerNode / pointsPerDigest;
    if (!(Number.isInteger(digests) && digests >= 1 && pointsPerNode <= 65_536)) {
      const message = `pointsPerNode is ${pointsPerNode}; it must be a multiple of 4 from 4 to 65,536`;
      throw new RegistryError('invalid_argument', message);
    }
    if (nodes.length > ringNodesMax(pointsPerNode)) {
      const wanted = `${nodes.length} nodes of ${pointsPerNode} points`;
      const message = `${wanted} exceed ${pointsMax}; take fewer points per node, or a Maglev table`;
      throw new RegistryError('invalid_argument', message);
    }
    const named = inNameOrder(nodes);
    const counts = digestCounts(named.map(({ weight }) => weight), digests);
    const known = previous === undefined ? new Map<string, Uint32Array>() : previous.#points;
    named.forEach(({ name }, rank) => {
      this.#points.set(name, pointsOf(name, counts[rank] as number, known.get(name)));
    });
    this.size = nodes.length;
    this.#order = Uint32Array.from(named, ({ index }) => index);
    this.#ring = ringOf([...this.#points.values()], this.#order);
    const bits = Math.max(1, Math.ceil(Math.log2(this.#ring.length / 2)));
    this.#shift = 32 - bits;
    this.#cells = cellsOf(this.#ring, bits);
  }

  lookup(hash: number): number {
    return this.size === 0 ? -1 : (this.#ring[this.#find(hash) + 1] as number);
  }

  lookupAmong(hash: number, filter: NodeFilter): number {
    if (this.size === 0) return -1;
    const length = this.#ring.length - 2;
    let at = this.#find(hash);
    for (let steps = Math.min(length / 2, walkMax); steps > 0; steps--) {
      const node = this.#ring[at + 1] as number;
      if (filter.accepts(node)) return node;
      at = at + 2 >= length ? 0 : at + 2;
    }
    return firstAccepted(this.#order, hash, filter);
  }

  /** Index of the pair with the first point at or after `hash`. */
  #find(hash: number): number {
    const ring = this.#ring;
    const position = hash >>> 0;
    let at = this.#cells[position >>> this.#shift] as number;
    while ((ring[at] as number) < position) at += 2;
    return at;
  }
}

/** The largest number of nodes for a ring with this many points per node. */
export function ringNodesMax(pointsPerNode: number): number {
  return Math.floor(pointsMax / pointsPerNode);
}

/**
 * Sorts by radix, 11 bits at a time from the lowest: a few milliseconds for 160,000 points, where a sort
 * by comparison takes tens of them. It is stable, so when two nodes share a point, the first by name has it.
 */
function ringOf(points: readonly Uint32Array[], order: Uint32Array): Uint32Array {
  const count = points.reduce((sum, { length }) => sum + length, 0);
  let from = new Uint32Array(2 * count);
  let filled = 0;
  points.forEach((own, rank) => {
    for (const point of own) {
      from[filled] = point;
      from[filled + 1] = order[rank] as number;
      filled += 2;
    }
  });
  // One pair more than there are points, for the way back to the first.
  let to = new Uint32Array(2 * count + 2);
  for (const shift of [0, 11, 22]) {
    const next = new Uint32Array(2 ** 11);
    for (let at = 0; at < 2 * count; at += 2) next[((from[at] as number) >>> shift) & 2047]! += 2;
    let start = 0;
    for (let digit = 0; digit < 2 ** 11; digit++) {
      const size = next[digit] as number;
      next[digit] = start;
      start += size;
    }
    for (let at = 0; at < 2 * count; at += 2) {
      const point = from[at] as number;
      const digit = (point >>> shift) & 2047;
      const place = next[digit] as number;
      next[digit] = place + 2;
      to[place] = point;
      to[place + 1] = from[at + 1] as number;
    }
    [from, to] = [to, from];
  }
  // Three passes, so `from` is the longer one now.
  from[2 * count] = 0xffffffff;
  from[2 * count + 1] = from[1] as number;
  return from;
}

function cellsOf(ring: Uint32Array, bits: number): Uint32Array {
  const cells = new Uint32Array(2 ** bits);
  const width = 2 ** (32 - bits);
  const end = ring.length - 2;
  let at = 0;
  for (let cell = 0, from = 0; cell < cells.length; cell++, from += width) {
    while (at < end && (ring[at] as number) < from) at += 2;
    cells[cell] = at;
  }
  return cells;
}
