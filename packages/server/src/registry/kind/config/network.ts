/**
 * Whether an address is in a network (CIDR). Pure, so without `node:net`. Addresses of IPv4 in IPv6 (`::ffff:10.0.0.1`) are those
 * of IPv4. Text forms: RFC 4291, section 2.2 and 2.3.
 */

/** @param network an address, or one with `/` and the number of leading bits that count; anything else is compared as text */
export function isInNetwork(address: string, network: string): boolean {
  if (address === network) return true;
  const wanted = parseNetwork(network);
  const given = wanted && parseAddress(address);
  if (wanted === undefined || given === undefined || given.length !== wanted.words.length) return false;
  for (let at = 0, left = wanted.bits; left > 0; at++, left -= 16) {
    const mask = left >= 16 ? 0xffff : (0xffff << (16 - left)) & 0xffff;
    if (((given[at] as number) & mask) !== ((wanted.words[at] as number) & mask)) return false;
  }
  return true;
}

interface Network {
  /** 16 bits each: 2 of them for IPv4, 8 for IPv6. */
  readonly words: readonly number[];
  readonly bits: number;
}

/** @returns undefined when the text is no network */
export function parseNetwork(text: string): Network | undefined {
  const end = text.indexOf('/');
  const words = parseAddress(end < 0 ? text : text.slice(0, end));
  if (words === undefined) return undefined;
  const bitsMax = words.length * 16;
  if (end < 0) return { words, bits: bitsMax };
  const length = text.slice(end + 1);
  if (!/^\d{1,3}$/.test(length)) return undefined;
  // The network is of IPv4 now, and 96 bits of it were those of the prefix `::ffff:`.
  const bits = Number(length) - (bitsMax === 32 && text.includes(':') ? 96 : 0);
  return bits < 0 || bits > bitsMax ? undefined : { words, bits };
}

function parseAddress(text: string): readonly number[] | undefined {
  if (!text.includes(':')) return parseV4(text);
  const dotted = text.slice(text.lastIndexOf(':') + 1);
  const tail = dotted.includes('.') ? parseV4(dotted) : [];
  if (tail === undefined || text.length > 45) return undefined;
  const head = tail.length === 0 ? text : text.slice(0, text.length - dotted.length);
  const sides = (tail.length > 0 && !head.endsWith('::') ? head.slice(0, -1) : head).split('::');
  if (sides.length > 2) return undefined;
  const [left, right = []] = sides.map((side) => (side === '' ? [] : side.split(':')));
  const groups = [...(left as string[]), ...right];
  if (groups.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const missing = 8 - tail.length - groups.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const words = [...(left as string[]).map(hex), ...Array<number>(missing).fill(0), ...right.map(hex), ...tail];
  const isV4 = words[5] === 0xffff && words.slice(0, 5).every((word) => word === 0);
  return isV4 ? words.slice(6) : words;
}

function hex(group: string): number {
  return Number.parseInt(group, 16);
}

function parseV4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return undefined;
  const [a, b, c, d] = parts.map(Number) as [number, number, number, number];
  return [(a << 8) | b, (c << 8) | d];
}
