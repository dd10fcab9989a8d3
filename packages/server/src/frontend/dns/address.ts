/**
 * Addresses as hexadecimal digits: one form for names (`0a000001.addr`), reverse names and address records.
 */

import { isIP } from 'node:net';

const dot = 0x2e;
const zero = 0x30;

const twoDigits: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * 8 digits for IPv4 (also when it comes mapped into IPv6), 32 for IPv6; undefined for anything else,
 * host names and addresses with a zone included.
 */
export function addressDigits(address: string): string | undefined {
  switch (isIP(address)) {
    case 4:
      return ipv4Digits(address);
    case 6:
      return address.includes('%') ? undefined : withoutMapping(ipv6Digits(address));
    default:
      return undefined;
  }
}

function ipv4Digits(address: string): string {
  let digits = '';
  let byte = 0;
  for (let at = 0; at < address.length; at++) {
    const code = address.charCodeAt(at);
    if (code === dot) {
      digits += twoDigits[byte];
      byte = 0;
    } else byte = byte * 10 + code - zero;
  }
  return digits + twoDigits[byte];
}

function ipv6Digits(address: string): string {
  const [head = '', tail] = address.split('::');
  const left = groups(head);
  if (tail === undefined) return left;
  const right = groups(tail);
  return left + '0'.repeat(32 - left.length - right.length) + right;
}

/** Part of an IPv6 address that has no `::` in it; its last group may be an IPv4 address. */
function groups(part: string): string {
  if (part === '') return '';
  return part
    .split(':')
    .map((group) => (group.includes('.') ? ipv4Digits(group) : group.toLowerCase().padStart(4, '0')))
    .join('');
}

/** ::ffff:0:0/96 is IPv4 (RFC 4291 §2.5.5.2). */
function withoutMapping(digits: string): string {
  const mapped = '0'.repeat(20) + 'ffff';
  return digits.startsWith(mapped) ? digits.slice(mapped.length) : digits;
}
