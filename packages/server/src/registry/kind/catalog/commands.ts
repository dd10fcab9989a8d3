/** The commands about nodes, services, instances and checks. */

import type { AdministrativeStatus, CheckDefinition, CheckKind, CheckStatus, NamedPort } from '@rollcall/protocol';
import type { Resumable } from '../../command.ts';
import type { Judged } from '../../judged.ts';
import type { Foreign } from '../../row.ts';
import type { OverrideNote } from './rows.ts';

export interface NodeInput {
  readonly name: string;
  /** A UUID in lower case. A node that has it under another name is renamed: the old name is removed, with everything on it. */
  readonly id?: string;
  readonly address: string;
  readonly meta?: Readonly<Record<string, string>>;
  readonly foreign?: Foreign;
}

export interface InstanceInput {
  readonly id: string;
  readonly service: string;
  readonly address?: string;
  readonly port?: number;
  readonly scheme?: string;
  readonly ports?: Readonly<Record<string, NamedPort>>;
  readonly zone?: string;
  readonly region?: string;
  readonly cluster?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** 0 or more; 1 by default. */
  readonly weight?: number;
  /** `weight` by default. */
  readonly warningWeight?: number;
  /** An operator's weight, from a protocol that sets it with a registration; absent: an existing instance keeps it. */
  readonly weightOverride?: number;
  /** The status that the instance reports; `up` by default. */
  readonly status?: AdministrativeStatus;
  /** Absent: an existing instance keeps it, a new one is enabled. */
  readonly enabled?: boolean;
  readonly persistent?: boolean;
  /** The stream session of the same namespace that vouches for it; must exist. */
  readonly session?: string;
  readonly foreign?: Foreign;
}

export interface CheckInput {
  readonly id: string;
  readonly name: string;
  /** Absent: an existing check keeps its status and output, a new one starts critical. */
  readonly status?: CheckStatus;
  readonly output?: string;
  readonly notes?: string;
  /** Id of an instance on the same node; absent for a check of the node. */
  readonly instance?: string;
  readonly type?: CheckKind;
  readonly definition?: CheckDefinition;
  readonly foreign?: Foreign;
}

/** Registers any part of a node atomically: the node, instances on it, checks of either. */
export interface Register {
  readonly kind: 'register';
  /** Of the instances and their checks. */
  readonly namespace: string;
  readonly node: NodeInput;
  /**
   * `update`: write the node as given. `ensure`: create it if absent, else leave it as it is.
   * `exists`: fail with `not_found` if absent. `none`: the instances have no node; its name is empty, and there are no
   * checks of a node.
   */
  readonly nodeMode: 'update' | 'ensure' | 'exists' | 'none';
  readonly instances?: readonly InstanceInput[];
  readonly checks?: readonly CheckInput[];
  /** Remove the checks of the given instances that are not in `checks`; checks of maintenance stay. */
  readonly replaceChecks?: boolean;
  /** A part of it is done already, and nothing was refused before. */
  readonly checked?: true;
}

/** Changes the administrative status and the overrides of an existing instance, and nothing else; false when it does not exist. */
export interface InstanceStatus {
  readonly kind: 'instance-status';
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  /** The status that the instance reports. */
  readonly status?: AdministrativeStatus;
  /** The operator's override; null clears it. */
  readonly override?: AdministrativeStatus | null;
  /** The operator's weight, 0 or more; null clears it. */
  readonly weightOverride?: number | null;
  readonly enabled?: boolean;
  /** Who changes the overrides, and why. It is kept if they do change. */
  readonly note?: Omit<OverrideNote, 'atMs'>;
}

/** Writes the record of a service: the settings that belong to no instance. */
export interface ServicePut {
  readonly kind: 'service-put';
  readonly namespace: string;
  readonly name: string;
  readonly meta?: Readonly<Record<string, string>>;
  /** 0 to 1; 0 by default. */
  readonly protectThreshold?: number;
  readonly foreign?: Foreign;
}

/** Removes the record of a service and keeps its instances; false when there is none. */
export interface ServiceDelete {
  readonly kind: 'service-delete';
  readonly namespace: string;
  readonly name: string;
}

/** A reader wants to be told of removed instances: their departures are kept until then. False when they are already. */
export interface KeepDepartures {
  readonly kind: 'keep-departures';
  readonly namespace: string;
  /** Milliseconds since the Unix epoch. */
  readonly untilMs: number;
}

/** Removes an instance and its checks; false when it did not exist. */
export interface DeregisterInstance {
  readonly kind: 'deregister-instance';
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
  readonly judged?: Judged;
}

export interface DeregisterCheck {
  readonly kind: 'deregister-check';
  /** `default` for a check of the node itself. */
  readonly namespace: string;
  readonly node: string;
  readonly id: string;
}

/** Removes a node with everything on it, in every namespace; false when it did not exist. */
export interface DeregisterNode extends Resumable {
  readonly kind: 'deregister-node';
  readonly node: string;
}

/** Sets the status and output of existing checks; other ids are skipped. Returns the number of existing ones. */
export interface UpdateChecks {
  readonly kind: 'update-checks';
  readonly updates: readonly {
    /** `default` for a check of the node itself. */
    readonly namespace: string;
    readonly node: string;
    readonly id: string;
    /** Absent: the status stays. */
    readonly status?: CheckStatus;
    /** Absent: the output stays. */
    readonly output?: string;
    readonly judged?: Judged;
  }[];
  /** Number of existing checks among the updates that are done already; 0 when absent. */
  readonly existed?: number;
}
