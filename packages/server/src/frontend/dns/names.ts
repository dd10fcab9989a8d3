/**
 * The grammar of Consul's names (https://developer.hashicorp.com/consul/docs/reference/dns). Pure: it says what a name asks
 * for, and knows nothing of what is registered.
 *
 *     [tag.]web.service[.team-a.ns][.default.ap][.dc1.dc].consul      _web._tag.service[…].consul     (_tcp: any tag)
 *     name.query[.team-a.ns][.default.ap][.dc1.dc].consul             my-node.node[.default.ap][.dc1.dc].consul
 *     0a000001.addr[…].consul                                         1.0.0.10.in-addr.arpa
 *
 * The last label before the domain may be a datacenter alone: `web.service.dc1.consul`. Nodes and addresses are in no
 * namespace. There is one partition, `default`. Everything is in lower case here (RFC 4343).
 */

import { defaultNamespace } from '@rollcall/protocol';
import { types } from './records.ts';

/** Where a name is looked up. */
interface Scope {
  readonly namespace: string;
  /** Empty: this one. */
  readonly datacenter: string;
}

export type Asked =
  /** `tag` empty: any. */
  | ({ readonly kind: 'service'; readonly service: string; readonly tag: string } & Scope)
  | { readonly kind: 'node'; readonly node: string; readonly datacenter: string }
  | ({ readonly kind: 'query'; readonly query: string } & Scope)
  /** Digits as in `address.ts`. */
  | { readonly kind: 'address'; readonly digits: string }
  /** Digits empty: a name of the reverse tree that is no whole address. */
  | { readonly kind: 'reverse'; readonly digits: string }
  /** The domain itself. */
  | { readonly kind: 'apex' }
  /**
   * A name without records that has names below it: to deny it would deny those, too (RFC 8020). It does not matter whether its
   * namespace exists, so that no client learns which ones do.
   */
  | { readonly kind: 'between'; readonly datacenter: string }
  /** In the domain, but nothing that can exist. */
  | { readonly kind: 'unknown' }
  /** Another domain's. */
  | { readonly kind: 'foreign' };

const unknown: Asked = { kind: 'unknown' };

const kinds = new Set(['service', 'node', 'addr', 'query']);

/** Namespace, admin partition, datacenter. */
const scopeKinds = new Set(['ns', 'ap', 'dc']);

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

  const at = own.findLastIndex((label, index) => kinds.has(label) && scopeOf(own.slice(index + 1)) !== undefined);
  const scopeAlone = at < 0 ? scopeOf(scopeKinds.has(own[0] as string) ? ['', ...own] : own) : undefined;
  if (scopeAlone !== undefined) return { kind: 'between', datacenter: scopeAlone.datacenter };
  const lastUnderscore = own.findLastIndex((label) => label.startsWith('_'));
  if (type === types.SRV && lastUnderscore > at) {
    return within('service', own.slice(0, lastUnderscore + 1), own.slice(lastUnderscore + 1));
  }
  return at < 0 ? unknown : within(own[at] as string, own.slice(0, at), own.slice(at + 1));
}

/** @param before the labels left of the one that names the kind; `after`: those up to the domain */
function within(kind: string, before: readonly string[], after: readonly string[]): Asked {
  const scope = scopeOf(after);
  if (scope === undefined) return unknown;
  const { namespace, datacenter } = scope;
  if (before.length === 0) return { kind: 'between', datacenter };
  switch (kind) {
    case 'service':
      return service(before, scope);
    case 'node':
      // As in Consul. Names of nodes may have dots in them.
      return namespace === defaultNamespace ? { kind: 'node', node: before.join('.'), datacenter } : unknown;
    case 'query':
      return { kind: 'query', query: queryName(before), ...scope };
    default:
      // An address means the same everywhere.
      return before.length === 1 && isDigits(before[0] as string)
        ? { kind: 'address', digits: before[0] as string }
        : unknown;
  }
}

function service(before: readonly string[], scope: Scope): Asked {
  const last = before.at(-1) as string;
  const first = before[0] as string;
  if (before.length === 1 && last.startsWith('_')) return { kind: 'between', datacenter: scope.datacenter };
  if (before.length === 2 && first.startsWith('_') && last.startsWith('_')) {
    // RFC 2782, with a tag where the protocol stands.
    return { kind: 'service', service: first.slice(1), tag: last === '_tcp' ? '' : last.slice(1), ...scope };
  }
  return { kind: 'service', service: last, tag: before.slice(0, -1).join('.'), ...scope };
}

function queryName(before: readonly string[]): string {
  const rfc2782 = before.length >= 2 && before[0]?.startsWith('_') === true && before.at(-1)?.startsWith('_') === true;
  return rfc2782 ? before.slice(0, -1).join('.').slice(1) : before.join('.');
}

/**
 * The labels between the kind and the domain: pairs of a name and what it names, each at most once, or a datacenter alone.
 * @returns undefined when the labels are neither
 */
function scopeOf(labels: readonly string[]): Scope | undefined {
  const [only] = labels;
  if (labels.length === 1 && only !== undefined && only !== 'ns' && only !== 'ap') {
    return { namespace: defaultNamespace, datacenter: only };
  }
  const named = new Map<string, string>();
  for (let at = 0; at < labels.length; at += 2) {
    const kind = labels[at + 1];
    if (kind === undefined || !scopeKinds.has(kind) || named.has(kind)) return undefined;
    named.set(kind, labels[at] as string);
  }
  if (!['default', '', undefined].includes(named.get('ap'))) return undefined;
  return { namespace: named.get('ns') ?? defaultNamespace, datacenter: named.get('dc') ?? '' };
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
