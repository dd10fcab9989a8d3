/**
 * What a name asks for. Pure: knows the grammar of Consul's names
 * (https://developer.hashicorp.com/consul/docs/discover/service/static), nothing of what is registered.
 *
 *     [tag.]web.service[.dc1].consul      _web._tag.service[.dc1].consul     (_tcp: any tag)
 *     my-node.node[.dc1].consul           0a000001.addr[.dc1].consul
 *     name.query[.dc1].consul             1.0.0.10.in-addr.arpa
 *
 * A datacenter may also be written `dc1.dc`. Everything is in lower case here (RFC 4343).
 */

import { types } from './records.ts';

export type Asked =
  /** `tag` empty: any. `datacenter` empty, here and below: this one. */
  | { readonly kind: 'service'; readonly service: string; readonly tag: string; readonly datacenter: string }
  | { readonly kind: 'node'; readonly node: string; readonly datacenter: string }
  | { readonly kind: 'query'; readonly query: string; readonly datacenter: string }
  /** Digits as in `address.ts`. */
  | { readonly kind: 'address'; readonly digits: string }
  /** Digits empty: a name of the reverse tree that is no whole address. */
  | { readonly kind: 'reverse'; readonly digits: string }
  /** The domain itself. */
  | { readonly kind: 'apex' }
  /** A name that has names below it and no records: saying that it does not exist would deny those, too (RFC 8020). */
  | { readonly kind: 'between'; readonly datacenter: string }
  /** In the domain, but nothing that can exist. */
  | { readonly kind: 'unknown' }
  /** Another domain's. */
  | { readonly kind: 'foreign' };

const unknown: Asked = { kind: 'unknown' };

const kinds = new Set(['service', 'node', 'addr', 'query']);

/**
 * @param labels the name in lower case, leftmost label first, without the empty one of the root
 * @param type of the question: for SRV the label `service` may be missing after `_web._tag`
 * @param domain labels of the domain served, in lower case
 */
export function parseName(labels: readonly string[], type: number, domain: readonly string[]): Asked {
  if (endsWith(labels, ['arpa'])) return reverse(labels.slice(0, -1));
  if (!endsWith(labels, domain)) return { kind: 'foreign' };
  const own = labels.slice(0, labels.length - domain.length);
  if (own.length === 0) return { kind: 'apex' };

  const at = own.findLastIndex((label) => kinds.has(label));
  const datacenterAlone = at < 0 ? datacenterOf(own[0] === 'dc' ? ['', ...own] : own) : undefined;
  if (datacenterAlone !== undefined) return { kind: 'between', datacenter: datacenterAlone };
  const lastUnderscore = own.findLastIndex((label) => label.startsWith('_'));
  if (type === types.SRV && lastUnderscore > at) {
    return within('service', own.slice(0, lastUnderscore + 1), own.slice(lastUnderscore + 1));
  }
  return at < 0 ? unknown : within(own[at] as string, own.slice(0, at), own.slice(at + 1));
}

/** @param before the labels left of the one that names the kind; `after`: those up to the domain */
function within(kind: string, before: readonly string[], after: readonly string[]): Asked {
  const datacenter = datacenterOf(after);
  if (datacenter === undefined) return unknown;
  if (before.length === 0) return { kind: 'between', datacenter };
  switch (kind) {
    case 'service':
      return service(before, datacenter);
    case 'node':
      // Names of nodes may have dots in them.
      return { kind: 'node', node: before.join('.'), datacenter };
    case 'query':
      return { kind: 'query', query: queryName(before), datacenter };
    default:
      // An address means the same in every datacenter.
      return before.length === 1 && isDigits(before[0] as string)
        ? { kind: 'address', digits: before[0] as string }
        : unknown;
  }
}

function service(before: readonly string[], datacenter: string): Asked {
  const last = before.at(-1) as string;
  const first = before[0] as string;
  if (before.length === 1 && last.startsWith('_')) return { kind: 'between', datacenter };
  if (before.length === 2 && first.startsWith('_') && last.startsWith('_')) {
    // RFC 2782, with a tag where the protocol stands.
    return { kind: 'service', service: first.slice(1), tag: last === '_tcp' ? '' : last.slice(1), datacenter };
  }
  return { kind: 'service', service: last, tag: before.slice(0, -1).join('.'), datacenter };
}

function queryName(before: readonly string[]): string {
  const rfc2782 = before.length >= 2 && before[0]?.startsWith('_') === true && before.at(-1)?.startsWith('_') === true;
  return rfc2782 ? before.slice(0, -1).join('.').slice(1) : before.join('.');
}

/** Empty when none is named; undefined when the labels are no datacenter. */
function datacenterOf(labels: readonly string[]): string | undefined {
  if (labels.length === 0) return '';
  if (labels.length === 1 || (labels.length === 2 && labels[1] === 'dc')) return labels[0];
  return undefined;
}

/** RFC 1035 §3.5 (in-addr.arpa), RFC 3596 §2.5 (ip6.arpa). */
function reverse(labels: readonly string[]): Asked {
  const parts = labels.slice(0, -1).toReversed();
  let digits = '';
  if (labels.at(-1) === 'in-addr' && parts.length === 4 && parts.every(isByte)) {
    digits = parts.map((part) => Number(part).toString(16).padStart(2, '0')).join('');
  } else if (labels.at(-1) === 'ip6' && parts.length === 32 && parts.every((part) => /^[0-9a-f]$/.test(part))) {
    digits = parts.join('');
  }
  return { kind: 'reverse', digits };
}

function isByte(text: string): boolean {
  return /^(?:0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= 255;
}

function isDigits(text: string): boolean {
  return /^(?:[0-9a-f]{8}|[0-9a-f]{32})$/.test(text);
}

function endsWith(labels: readonly string[], end: readonly string[]): boolean {
  const from = labels.length - end.length;
  return from >= 0 && end.every((label, index) => labels[from + index] === label);
}
