/**
 * Makes records from the result of a lookup. Pure.
 *
 * As in Consul (https://developer.hashicorp.com/consul/docs/discover/service/static): the target of an SRV record is
 * `<node>.node.<dc>.<domain>`, or `<hex>.addr.<dc>.<domain>` when the instance has its own address. An address that
 * is a host name becomes CNAME, which is not followed.
 */

import { defaultNamespace } from '@rollcall/protocol';
import { weightOf, wholeWeight } from '../../registry/kind/catalog/effective-status.ts';
import type { NodeRow } from '../../registry/kind/catalog/rows.ts';
import { addressDigits } from './address.ts';
import type { Holder } from './address-index.ts';
import type { Subject } from './directory.ts';
import { hostName } from './host-name.ts';
import { asAsked, types, type Entry, type Found, type ResourceRecord } from './records.ts';
import type { HealthyInstance, Targets } from './healthy-instances.ts';
import type { Zone } from './zone.ts';

const nameError: Found = { kind: 'name-error' };
const noData: Found = { kind: 'no-data' };

/** @param type of the question */
export function resolve(zone: Zone, subject: Subject, type: number): Found {
  // As in Consul, every name of the domain has these two.
  if (subject.kind !== 'reverse' && type === types.SOA) return whole([soaOf(zone)]);
  if (subject.kind !== 'reverse' && type === types.NS) return nameServer(zone);
  switch (subject.kind) {
    case 'service':
      return service(zone, subject, type);
    case 'node':
      return node(zone, subject.node, type);
    case 'address':
      return whole(addressRecords(asAsked, subject.digits, zone.ttls.node, type));
    case 'reverse':
      if (subject.holder === undefined) return nameError;
      return wants(type, types.PTR) ? whole(reverse(zone, subject.holder)) : noData;
    case 'apex':
      return type === types.ANY ? whole([soaOf(zone)]) : noData;
    case 'between':
      return noData;
    case 'nothing':
      return nameError;
  }
}

/** The SOA says how long a negative answer may be kept: as in Consul, not at all. */
export function soaOf({ domain }: Zone): ResourceRecord {
  return { type: 'SOA', owner: domain, ttl: 0, server: `ns.${domain}`, mailbox: `hostmaster.${domain}` };
}

function nameServer(zone: Zone): Found {
  const target = nodeName(zone, zone.node.name);
  const digits = addressDigits(zone.node.address);
  if (target === undefined) return noData;
  const along = digits === undefined ? [] : addressRecords(target, digits, zone.ttls.node, types.ANY);
  const record: ResourceRecord = { type: 'NS', owner: zone.domain, ttl: zone.ttls.node, target };
  return { kind: 'answer', count: 1, entry: () => ({ record, along }), choice: false };
}

type ServiceSubject = Extract<Subject, { kind: 'service' }>;

function service(zone: Zone, subject: ServiceSubject, type: number): Found {
  const targets = subject.healthy.targets(subject.tag);
  if (targets === undefined) return nameError;
  const ttl = subject.ttl ?? zone.ttls.ofService(subject.service);
  const { sorted } = subject.healthy;
  if (type === types.SRV) {
    const { distinct } = targets;
    return choiceOf(distinct.length, (index) => srvEntry(zone, distinct[index] as HealthyInstance, ttl), sorted);
  }
  return addresses(targets, ttl, type, sorted);
}

/** CNAME is the answer only when no instance has an address: no other record may stand beside it (RFC 2181 §10.1). */
function addresses({ ipv4, ipv6, alias }: Targets, ttl: number, type: number, sorted: boolean): Found {
  const both = () => (type === types.ANY ? [...ipv4, ...ipv6] : []);
  const wanted = type === types.A ? ipv4 : type === types.AAAA ? ipv6 : both();
  if (alias !== undefined && ipv4.length + ipv6.length === 0 && wantsAlias(type)) {
    return whole([{ type: 'CNAME', owner: asAsked, ttl, target: alias }]);
  }
  const recordAt = (index: number) => addressRecord(asAsked, wanted[index] as string, ttl);
  return choiceOf(wanted.length, (index) => ({ record: recordAt(index), along: [] }), sorted);
}

function srvEntry(zone: Zone, { instance, status, digits, host, atNode }: HealthyInstance, ttl: number): Entry {
  // The name of a node may be no DNS name; then its address is the target.
  const target =
    host ?? (atNode ? nodeName(zone, instance.node) : undefined) ?? `${digits}.addr.${zone.datacenter}.${zone.domain}`;
  const weight = uint16(wholeWeight(weightOf(instance, status)));
  return {
    record: { type: 'SRV', owner: asAsked, ttl, weight, port: uint16(instance.port), target },
    along: digits === undefined ? [] : [addressRecord(target, digits, ttl)],
  };
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

/** `key=value` as in RFC 1464 and Consul; the value alone for a key that starts with `rfc1035-`. */
function metaText(key: string, value: string): string {
  if (/^rfc1035-/i.test(key)) return value;
  const quoted = key
    .replace(/`/g, '``')
    .replace(/=/g, '`=')
    .replace(/^ +| +$/g, (spaces) => spaces.replace(/ /g, '` '));
  return `${quoted}=${value.replace(/`/g, '``')}`;
}

function reverse(zone: Zone, holder: Holder): ResourceRecord[] {
  const { datacenter, domain } = zone;
  const inDefault = holder.of === 'node' || holder.namespace === defaultNamespace;
  const scope = inDefault ? datacenter : `${holder.namespace}.ns.${datacenter}.dc`;
  const target = hostName(`${holder.name}.${holder.of}.${scope}.${domain}`);
  return target === undefined ? [] : [{ type: 'PTR', owner: asAsked, ttl: 0, target }];
}

/** The record of an address, if its type is asked for. */
function addressRecords(owner: ResourceRecord['owner'], address: string, ttl: number, type: number): ResourceRecord[] {
  const record = addressRecord(owner, address, ttl);
  return wants(type, types[record.type]) ? [record] : [];
}

function addressRecord(owner: ResourceRecord['owner'], address: string, ttl: number) {
  return { type: address.length === 8 ? 'A' : 'AAAA', owner, ttl, address } as const;
}

function whole(records: readonly ResourceRecord[]): Found {
  if (records.length === 0) return noData;
  const entry = (index: number) => ({ record: records[index] as ResourceRecord, along: [] });
  return { kind: 'answer', count: records.length, entry, choice: false };
}

function choiceOf(count: number, entry: (index: number) => Entry, sorted: boolean): Found {
  return count === 0 ? noData : { kind: 'answer', count, entry, choice: true, sorted };
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

function uint16(value: number): number {
  return Math.max(0, Math.min(65_535, Math.trunc(value)));
}
