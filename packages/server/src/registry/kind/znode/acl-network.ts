/** Addresses and networks in ACLs of the scheme `ip`: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`. Pure: nothing is looked up. */

/** Whether a text is an address, or a network. */
export function isNetwork(text: string): boolean {
  return parseNetwork(text) !== undefined;
}

/** Whether an address is in a network. An IPv4 address that is written as an IPv6 one is the IPv4 address. */
export function matchesNetwork(address: string, network: string): boolean {
  const own = parseAddress(address);
  const parsed = parseNetwork(network);
  if (own === undefined || parsed === undefined || own.length !== parsed.bytes.length) return false;
  for (let at = 0, left = parsed.bits; left > 0; at++, left -= 8) {
    const shift = left >= 8 ? 0 : 8 - left;
    if ((own[at] ?? 0) >> shift !== (parsed.bytes[at] ?? 0) >> shift) return false;
  }
  return true;
}

function parseNetwork(text: string): { readonly bytes: readonly number[]; readonly bits: number } | undefined {
  const slash = text.indexOf('/');
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (bytes === undefined) return undefined;
  const max = bytes.length * 8;
  if (slash < 0) return { bytes, bits: max };
  const bits = text.slice(slash + 1);
  return /^\d{1,3}$/.test(bits) && Number(bits) <= max ? { bytes, bits: Number(bits) } : undefined;
}

/** @returns 4 or 16 bytes */
function parseAddress(text: string): readonly number[] | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const bytes = parseIpv6(text);
  if (bytes === undefined) return undefined;
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12) : bytes;
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number);
}

function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map(groupBytes);
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  const gap = 16 - head.length - (tail?.length ?? 0);
  return gap < 2 ? undefined : [...head, ...Array.from({ length: gap }, () => 0), ...(tail ?? [])];
}

/** Bytes of groups with colons between them; the last may be an IPv4 address. */
function groupBytes(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [at, group] of groups.entries()) {
    if (group.includes('.') && at === groups.length - 1) {
      const last = parseIpv4(group);
      if (last === undefined) return undefined;
      bytes.push(...last);
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}
