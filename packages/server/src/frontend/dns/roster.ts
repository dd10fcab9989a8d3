/**
 * Who serves a service now: its healthy instances with what the DNS can say of them. Built in one pass
 * over the instances and then asked many times: by tag, and by type. Pure; who keeps it, and how
 * long, is `directory.ts`' business.
 */

import { defaultNamespace, getsTraffic } from '@rollcall/protocol';
import { nearestFirst } from '../../registry/kind/coordinate/coordinate.ts';
import { statuses } from '../../registry/kind/catalog/effective-status.ts';
import { selectorOf } from '../../registry/kind/query/execution.ts';
import type { PreparedService } from '../../registry/kind/query/query.ts';
import { find, type Reader } from '../../registry/reader.ts';
import type { InstanceRow } from '../../registry/rows.ts';
import { addressDigits } from './address.ts';
import { hostName, lowerCase } from './host-name.ts';
import type { Build } from './rebuilt.ts';

interface Named {
  readonly namespace: string;
  /** The service's names, equal but for their case. */
  readonly names: readonly string[];
  readonly domain: string;
  readonly datacenter: string;
  /** Leave out instances on nodes that may not be told of. */
  readonly readsNode: (node: string) => boolean;
}

export interface RosterOptions extends Named {
  /** Leave out instances that warn, too. */
  readonly onlyPassing: boolean;
}

export interface QueryRosterOptions extends Named {
  readonly wanted: PreparedService;
  /** Name of the node whose nearest come first; empty for no order. */
  readonly near: string;
}

/** A healthy instance. */
export interface Member {
  readonly instance: InstanceRow;
  readonly status: 'passing' | 'warning';
  /** The instance's address, else its node's, as digits; undefined when it is none. */
  readonly digits: string | undefined;
  /** The same when it is a name. */
  readonly host: string | undefined;
  /** Whether that is the node's address. */
  readonly atNode: boolean;
}

/** What members have to offer, each thing once. */
export interface Offer {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  /** The first name that a member gives for its address. */
  readonly alias: string | undefined;
  /** Members at different places: node, address, port. */
  readonly places: readonly Member[];
}

/** Offers kept, by tag: an instance may have any number of tags. */
const offersMax = 64;

export class Roster {
  readonly #members: readonly Member[];
  /** Who comes first is to be preferred; otherwise all are equals. */
  readonly sorted: boolean;
  readonly #offers = new Map<string, Offer>();
  #byTag: ReadonlyMap<string, readonly Member[]> | undefined;
  /** Members that are not looked at again for the first question about them. */
  static readonly #smallMax = 4_096;

  constructor(members: readonly Member[], sorted = false) {
    this.#members = members;
    this.sorted = sorted;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Of a large one, makes what the first question for all members, or for those with a tag, would take long for. */
  *preparing(): Generator<void, void, undefined> {
    if (this.#members.length <= Roster.#smallMax) return;
    this.#byTag = yield* byTag(this.#members);
    this.#offers.set('', yield* offerOf(this.#members));
  }

  /** @param tag in lower case; empty for all members. @returns undefined when there are none */
  offer(tag: string): Offer | undefined {
    const known = this.#offers.get(tag);
    if (known !== undefined) return known;
    const members = tag === '' ? this.#members : (this.#byTag ??= atOnce(byTag(this.#members))).get(tag);
    if (members === undefined || members.length === 0) return undefined;
    const offer = atOnce(offerOf(members));
    if (this.#offers.size >= offersMax) this.#offers.clear();
    this.#offers.set(tag, offer);
    return offer;
  }
}

/** O(instances + their checks + their nodes' own checks). What is registered may change between its steps. */
export function* rosterOf(reader: Reader, options: RosterOptions): Build<Roster> {
  const members: Member[] = [];
  const soFar = () => new Roster([...members]);
  const statusOf = statuses(reader);
  for (const name of options.names) {
    const ownNames = ownNamesOf(name, options);
    for (const instance of find.instancesOfService(reader, options.namespace, name)) {
      yield members.length > 0 ? soFar : undefined;
      if (!options.readsNode(instance.node)) continue;
      const status = statusOf(instance);
      if (!getsTraffic(status) || (options.onlyPassing && status !== 'passing')) continue;
      members.push(memberOf(reader, instance, status, ownNames));
    }
  }
  const roster = new Roster(members);
  for (const _ of roster.preparing()) yield soFar;
  return roster;
}

/**
 * Those that a prepared query selects, in the order that it wants, if it wants one: what there is so far has it, too.
 * What is registered may change between its steps.
 */
export function* queryRosterOf(reader: Reader, options: QueryRosterOptions): Build<Roster> {
  const { near, wanted } = options;
  const members: Member[] = [];
  const made = () => {
    const sorted = near === '' ? undefined : nearestFirst(reader, near, members, ({ instance }) => instance.node);
    return new Roster(sorted ?? [...members], sorted !== undefined);
  };
  for (const name of options.names) {
    const ownNames = ownNamesOf(name, options);
    const selected = selectorOf(reader, { ...wanted, Service: name });
    for (const instance of find.instancesOfService(reader, options.namespace, name)) {
      yield members.length > 0 ? made : undefined;
      if (!options.readsNode(instance.node)) continue;
      const found = selected(instance);
      if (found !== undefined) members.push(memberOf(reader, instance, found.status, ownNames));
    }
  }
  const roster = made();
  for (const _ of roster.preparing()) yield made;
  return roster;
}

/** The names that a service is asked for by. An instance that gives one of them as its address would be an alias of itself. */
function ownNamesOf(service: string, { namespace, domain, datacenter }: Named): readonly string[] {
  const here = [domain, `${datacenter}.dc.${domain}`];
  const names = here.map((ending) => `${service}.service.${namespace}.ns.${ending}`);
  if (namespace === defaultNamespace) {
    for (const ending of [...here, `${datacenter}.${domain}`]) names.push(`${service}.service.${ending}`);
  }
  return names.map(lowerCase);
}

function memberOf(reader: Reader, instance: InstanceRow, status: Member['status'], ownNames: readonly string[]): Member {
  const own = addressDigits(instance.address);
  const atNode = own === undefined && isOneOf(ownNames, instance.address);
  const address = atNode ? (find.node(reader, instance.node)?.address ?? '') : instance.address;
  const digits = own ?? (atNode ? addressDigits(address) : undefined);
  return { instance, status, atNode, digits, host: digits === undefined ? hostName(address) : undefined };
}

/** Also true of no address at all. */
function isOneOf(names: readonly string[], address: string): boolean {
  return address === '' || names.includes(lowerCase(address).replace(/\.$/, ''));
}

function* byTag(members: readonly Member[]): Generator<void, Map<string, Member[]>, undefined> {
  const found = new Map<string, Member[]>();
  for (const member of members) {
    for (const tag of new Set(member.instance.tags.map(lowerCase))) {
      const same = found.get(tag);
      if (same === undefined) found.set(tag, [member]);
      else same.push(member);
    }
    yield;
  }
  return found;
}

function* offerOf(members: readonly Member[]): Generator<void, Offer, undefined> {
  const addresses = new Set<string>();
  const places = new Map<string, Member>();
  let alias: string | undefined;
  for (const member of members) {
    const { instance, digits, host } = member;
    if (digits !== undefined) addresses.add(digits);
    else if (host === undefined) continue;
    else alias ??= host;
    const place = `${instance.node}\0${instance.address}\0${instance.port}`;
    if (!places.has(place)) places.set(place, member);
    yield;
  }
  const all = [...addresses];
  return {
    ipv4: all.filter((digits) => digits.length === 8),
    ipv6: all.filter((digits) => digits.length === 32),
    alias,
    places: [...places.values()],
  };
}

function atOnce<T>(steps: Generator<unknown, T, undefined>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
