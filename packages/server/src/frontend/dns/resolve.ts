/**
 * From what is registered to records: pure, and synchronous like everything that reads the registry.
 *
 * As in Consul (https://developer.hashicorp.com/consul/docs/discover/service/static): instances with a
 * critical check, their own or their node's, are left out; an SRV record points to
 * `<node>.node.<dc>.<domain>`, or to `<hex>.addr.<dc>.<domain>` when the instance has an address of its
 * own; an address that is a host name becomes CNAME and is not followed.
 */

import { worstStatus, type CheckStatus } from '@rollcall/protocol';
import { find, type Reader } from '../../registry/reader.ts';
import type { InstanceRow, NodeRow } from '../../registry/rows.ts';
import { addressDigits } from './address.ts';
import { lowerCase, type Subject } from './directory.ts';
import { asAsked, types, type Entry, type Found, type ResourceRecord } from './records.ts';
import type { Ttls } from './ttls.ts';

/** What there is to know of the server and its settings. */
export interface Zone {
  /** In lower case, without the dot at its end. */
  readonly domain: string;
  readonly datacenter: string;
  /** The server's own node. */
  readonly node: { readonly name: string; readonly address: string };
  readonly ttls: Ttls;
  /** Leave out instances that warn, too. */
  readonly onlyPassing: boolean;
}

const nameError: Found = { kind: 'name-error' };
const noData: Found = { kind: 'no-data' };

/**
 * @param name the question's, in lower case: an instance whose address is that very name is at its node
 * @param type the question's
 */
export function resolve(reader: Reader, zone: Zone, subject: Subject, name: string, type: number): Found {
  // Consul answers these two for every name of its domain.
  if (subject.kind !== 'reverse' && type === types.SOA) return whole([soaOf(zone)]);
  if (subject.kind !== 'reverse' && type === types.NS) return nameServer(zone);
  switch (subject.kind) {
    case 'service':
      return service(reader, zone, subject, name, type);
    case 'node':
      return node(zone, subject.node, type);
    case 'address':
      return whole(addressRecords(asAsked, subject.digits, zone.ttls.node, type));
    case 'reverse':
      if (subject.name === '') return nameError;
      return wants(type, types.PTR) ? whole(reverse(zone, subject.of, subject.name)) : noData;
    case 'apex':
      return type === types.ANY ? whole([soaOf(zone)]) : noData;
    case 'between':
      return noData;
    case 'nothing':
      return nameError;
  }
}

/** The record that says how long "no" is good; Consul says: not at all. */
export function soaOf({ domain }: Zone): ResourceRecord {
  return { type: 'SOA', owner: domain, ttl: 0, server: `ns.${domain}`, mailbox: `hostmaster.${domain}` };
}

function nameServer(zone: Zone): Found {
  const target = nodeName(zone, zone.node.name);
  const digits = addressDigits(zone.node.address);
  if (target === undefined) return noData;
  const along = digits === undefined ? [] : addressRecords(target, digits, zone.ttls.node, types.ANY);
  const record: ResourceRecord = { type: 'NS', owner: zone.domain, ttl: zone.ttls.node, target };
  return { kind: 'answer', entries: [{ record, along }], choice: false };
}

interface Candidate {
  readonly instance: InstanceRow;
  readonly node: NodeRow | undefined;
  readonly status: CheckStatus;
  /** The instance's own, else its node's. */
  readonly address: string;
}

type ServiceSubject = Extract<Subject, { kind: 'service' }>;

function service(reader: Reader, zone: Zone, subject: ServiceSubject, name: string, type: number): Found {
  const candidates = healthy(reader, zone, subject, name);
  if (candidates.length === 0) return nameError;
  const ttl = zone.ttls.ofService(lowerCase(subject.names[0] as string));
  const entries =
    type === types.SRV ? srvEntries(zone, candidates, ttl) : addressEntries(candidates, ttl, type);
  return entries.length === 0 ? noData : { kind: 'answer', entries, choice: true };
}

function healthy(reader: Reader, zone: Zone, { names, tag }: ServiceSubject, asked: string): Candidate[] {
  const found: Candidate[] = [];
  const nodes = new Map<string, CheckStatus>();
  for (const name of names) {
    for (const instance of find.instancesOfService(reader, name)) {
      if (tag !== '' && !instance.tags.some((each) => lowerCase(each) === tag)) continue;
      let onNode = nodes.get(instance.node);
      if (onNode === undefined) nodes.set(instance.node, (onNode = ownStatus(reader, instance.node)));
      const status = worstStatus([onNode, ...statuses(reader, instance)]);
      if (status === 'critical' || (zone.onlyPassing && status === 'warning')) continue;
      const node = find.node(reader, instance.node);
      const own = lowerCase(instance.address).replace(/\.$/, '') === asked ? '' : instance.address;
      found.push({ instance, node, status, address: own === '' ? (node?.address ?? '') : own });
    }
  }
  return found;
}

function* statuses(reader: Reader, { node, id }: InstanceRow): Iterable<CheckStatus> {
  for (const { status } of find.checksOfInstance(reader, node, id)) yield status;
}

/** Worst of the checks of the node itself. */
function ownStatus(reader: Reader, node: string): CheckStatus {
  let worst: CheckStatus = 'passing';
  for (const { instance, status } of find.checksOnNode(reader, node)) {
    if (instance === '') worst = worstStatus([worst, status]);
  }
  return worst;
}

/** Each address once, however many instances share it; a host name only when there is no address. */
function addressEntries(candidates: readonly Candidate[], ttl: number, type: number): Entry[] {
  const seen = new Set<string>();
  const entries: Entry[] = [];
  let alias: string | undefined;
  for (const { address } of candidates) {
    const digits = addressDigits(address);
    if (digits === undefined) {
      alias ??= hostName(address);
      continue;
    }
    if (seen.has(digits)) continue;
    seen.add(digits);
    for (const record of addressRecords(asAsked, digits, ttl, type)) entries.push({ record, along: [] });
  }
  if (entries.length > 0 || seen.size > 0 || alias === undefined || !wantsAlias(type)) return entries;
  return [{ record: { type: 'CNAME', owner: asAsked, ttl, target: alias }, along: [] }];
}

/** Each place (node, address, port) once. */
function srvEntries(zone: Zone, candidates: readonly Candidate[], ttl: number): Entry[] {
  const seen = new Set<string>();
  const entries: Entry[] = [];
  for (const { instance, status, address } of candidates) {
    const place = `${instance.node}\0${instance.address}\0${instance.port}`;
    if (seen.has(place)) continue;
    seen.add(place);
    const digits = addressDigits(address);
    const target = digits === undefined ? hostName(address) : targetOf(zone, instance, address, digits);
    if (target === undefined) continue;
    const weight = uint16(status === 'warning' ? instance.weights.warning : instance.weights.passing);
    entries.push({
      record: { type: 'SRV', owner: asAsked, ttl, weight, port: uint16(instance.port), target },
      along: digits === undefined ? [] : addressRecords(target, digits, ttl, types.ANY),
    });
  }
  return entries;
}

function targetOf(zone: Zone, instance: InstanceRow, address: string, digits: string): string {
  // A node may have a name that the DNS cannot express; its address always can be.
  const name = address === instance.address ? undefined : nodeName(zone, instance.node);
  return name ?? `${digits}.addr.${zone.datacenter}.${zone.domain}`;
}

function node(zone: Zone, row: NodeRow, type: number): Found {
  const ttl = zone.ttls.node;
  const records: ResourceRecord[] = [];
  const digits = addressDigits(row.address);
  if (digits !== undefined) records.push(...addressRecords(asAsked, digits, ttl, type));
  else {
    const target = hostName(row.address);
    if (target !== undefined && wantsAlias(type)) records.push({ type: 'CNAME', owner: asAsked, ttl, target });
  }
  if (wants(type, types.TXT)) {
    for (const [key, value] of Object.entries(row.meta).sort(([a], [b]) => (a < b ? -1 : 1))) {
      records.push({ type: 'TXT', owner: asAsked, ttl, text: metaText(key, value) });
    }
  }
  return whole(records);
}

/** RFC 1464, as Consul writes it; keys that start with `rfc1035-` are left out. */
function metaText(key: string, value: string): string {
  if (/^rfc1035-/i.test(key)) return value;
  const quoted = key
    .replace(/`/g, '``')
    .replace(/=/g, '`=')
    .replace(/^ +| +$/g, (spaces) => spaces.replace(/ /g, '` '));
  return `${quoted}=${value.replace(/`/g, '``')}`;
}

function reverse(zone: Zone, of: 'node' | 'service', name: string): ResourceRecord[] {
  const target = hostName(`${name}.${of}.${zone.datacenter}.${zone.domain}`);
  return target === undefined ? [] : [{ type: 'PTR', owner: asAsked, ttl: 0, target }];
}

/** The record of an address, if it is one of the type asked for. */
function addressRecords(owner: ResourceRecord['owner'], address: string, ttl: number, type: number): ResourceRecord[] {
  const own = address.length === 8 ? 'A' : 'AAAA';
  return wants(type, types[own]) ? [{ type: own, owner, ttl, address }] : [];
}

function whole(records: readonly ResourceRecord[]): Found {
  if (records.length === 0) return noData;
  return { kind: 'answer', entries: records.map((record) => ({ record, along: [] })), choice: false };
}

function wants(type: number, offered: number): boolean {
  return type === offered || type === types.ANY;
}

function wantsAlias(type: number): boolean {
  return type === types.A || type === types.AAAA || wants(type, types.CNAME);
}

function nodeName(zone: Zone, node: string): string | undefined {
  return hostName(`${node}.node.${zone.datacenter}.${zone.domain}`);
}

/** Without the dot at its end; undefined for what cannot be a name (RFC 1123 §2.1, and underscores). */
export function hostName(text: string): string | undefined {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const labels = name.split('.');
  const fits = name.length <= 253 && labels.every((label) => /^[\w-]{1,63}$/.test(label));
  return fits ? name : undefined;
}

function uint16(value: number): number {
  return Math.max(0, Math.min(65_535, Math.trunc(value)));
}
