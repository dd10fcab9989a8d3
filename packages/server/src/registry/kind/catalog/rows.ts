/** The rows of the catalog: nodes, services, instances and their checks. */

import type { AdministrativeStatus, CheckDefinition, CheckKind, CheckStatus, NamedPort } from '@rollcall/protocol';
import type { Foreign, Revisions } from '../../row.ts';

export interface NodeRow extends Revisions {
  readonly kind: 'node';
  readonly name: string;
  /** A UUID in lower case, unique among nodes; empty when the registrant gave none. */
  readonly id: string;
  readonly address: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly foreign?: Foreign;
}

/**
 * The record of a service: its settings that belong to no instance. A service exists while it has an instance or a record.
 */
export interface ServiceRow extends Revisions {
  readonly kind: 'service';
  readonly namespace: string;
  readonly name: string;
  readonly meta: Readonly<Record<string, string>>;
  /**
   * Share of healthy instances, 0 to 1, at or below which readers treat all of them as healthy. It is kept for readers; the
   * registry itself does not use it.
   */
  readonly protectThreshold: number;
  readonly foreign?: Foreign;
}

/** Who changed the overrides of an instance last. */
export interface OverrideNote {
  /** For people: the description of the operator's token. */
  readonly by: string;
  /** As the operator gave it; empty without one. */
  readonly reason: string;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** Most rows lack most of the optional fields: absent means the usual value, so that a row stays small. */
export interface InstanceRow extends Revisions {
  readonly kind: 'instance';
  readonly namespace: string;
  /** Empty when the protocol that registered the instance has no nodes. */
  readonly node: string;
  readonly id: string;
  readonly service: string;
  /** Empty means: reachable at its node's address. */
  readonly address: string;
  readonly port: number;
  /** That of `port`, as in a URL. */
  readonly scheme?: string;
  /** Further ports, by name. */
  readonly ports?: Readonly<Record<string, NamedPort>>;
  readonly zone?: string;
  readonly region?: string;
  /** The group within the service. */
  readonly cluster?: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
  /** Relative share of traffic, 0 or more. */
  readonly weight: number;
  /** The same while a check warns; absent: `weight`. */
  readonly warningWeight?: number;
  /** The status that the instance reports; absent, and never written, for `up`. */
  readonly status?: AdministrativeStatus;
  /** The operator's override; stays until the operator clears it, or the instance is deregistered. */
  readonly override?: AdministrativeStatus;
  /** The operator's weight in place of `weight` and `warningWeight`; stays as long as `override` would. */
  readonly weightOverride?: number;
  /** Who set `override` or `weightOverride` last, and why; only while there is one of them, and only if that is known. */
  readonly overridden?: OverrideNote;
  /** False: it gets no traffic. Absent: true. */
  readonly enabled?: false;
  /** True: nothing vouches for it, and it stays until it is deregistered. Absent: false. */
  readonly persistent?: true;
  /** When it was first registered, in milliseconds since the Unix epoch; 0 when that is not known. */
  readonly registeredMs: number;
  /** When its content last changed, in the same unit; absent: not since it was first registered. */
  readonly changedMs?: number;
  /** The stream session of the same namespace that vouches for the instance, which is removed with it. */
  readonly session?: string;
  readonly foreign?: Foreign;
}

/** The fields of an instance that are not those of its departure. */
type Departed = Omit<InstanceRow, keyof Revisions | 'kind' | 'namespace' | 'node' | 'id' | 'service'>;

/**
 * An instance that was removed a short while ago, for readers who are told what has gone since they looked. Written only while such
 * readers exist (`DeparturesKeptRow`). It means nothing any more when it has lapsed.
 */
export interface DepartureRow extends Revisions {
  readonly kind: 'departure';
  readonly namespace: string;
  readonly service: string;
  readonly node: string;
  readonly id: string;
  /** When it was removed, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly instance: Departed;
}

/** Departures of the namespace are written until then. */
export interface DeparturesKeptRow extends Revisions {
  readonly kind: 'departures-kept';
  readonly namespace: string;
  /** Milliseconds since the Unix epoch. */
  readonly untilMs: number;
}

export interface CheckRow extends Revisions {
  readonly kind: 'check';
  /** The namespace of its instance; `default` for a check of the node itself. */
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  readonly name: string;
  readonly status: CheckStatus;
  readonly notes: string;
  readonly output: string;
  /** Id of the instance on the same node; empty for a check of the node itself. */
  readonly instance: string;
  readonly type: CheckKind;
  readonly definition: CheckDefinition;
  /**
   * Of a `ttl` check on a store that several nodes share: id of the node through which it was registered, which watches its
   * deadline while it is a member and no other one has claimed it.
   */
  readonly holder?: string;
  readonly foreign?: Foreign;
}
