/**
 * A registration as a client sends it on the native stream. Checking one is `registration-request.ts`.
 */

import type { CheckDefinition } from './check.ts';
import type { AdministrativeStatus, NamedPort } from './instance.ts';

/** A check that the registry runs besides the stream; exactly one of ttlMs, http, tcp, grpc. */
export interface CheckRegistration extends CheckDefinition {
  /** Unique within the instance. */
  readonly name: string;
  readonly notes?: string;
}

export interface InstanceRegistration {
  /** Unique on the client's node. */
  readonly id: string;
  readonly service: string;
  /** Absent: the address of the node. */
  readonly address?: string;
  readonly port?: number;
  /** That of `port`, as in a URL. */
  readonly scheme?: string;
  /** Further ports, by name. */
  readonly ports?: Readonly<Record<string, NamedPort>>;
  readonly zone?: string;
  readonly region?: string;
  readonly cluster?: string;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** Relative share of traffic, 0 to 65535, also a fraction; 1 by default. */
  readonly weight?: number;
  /** The same while a check warns; `weight` by default. */
  readonly warningWeight?: number;
  /** The status that the instance reports; `up` by default. */
  readonly status?: AdministrativeStatus;
  /** False: gets no traffic until it is enabled. Absent: stays as it is, true for a new instance. */
  readonly enabled?: boolean;
  /** True: the instance outlives the stream, and stays until it is deregistered; false by default. */
  readonly persistent?: boolean;
  readonly checks?: readonly CheckRegistration[];
}
