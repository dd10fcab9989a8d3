/** Types of start.mjs, which is plain JavaScript since benchmarks run it without a build. */

import type { JavaOptions, JavaProgram } from '../java-program.mjs';
import type { SpringApplication } from '../spring/application.mjs';

export interface RealEureka extends JavaProgram {
  /** Ends in `/eureka`. */
  readonly url: string;
  readonly port: number;
}

export interface RealEurekaOptions extends Partial<Pick<JavaOptions, 'args' | 'command' | 'heapMb'>> {
  /** A free one by default. */
  readonly port?: number;
  /** URLs of the other servers of its cluster, each ending in `/eureka`. */
  readonly peers?: readonly string[];
  /** Milliseconds between two looks for lapsed leases; 1,000 by default. */
  readonly evictionMs?: number;
}

export interface EurekaApplicationOptions {
  readonly name: string;
  /** One or several URLs, separated by commas, each ending in `/eureka`. */
  readonly eurekaUrl: string;
  readonly id?: string;
  readonly leaseSeconds?: number;
}

export function eurekaProblem(): string | undefined;
export function startRealEureka(options?: RealEurekaOptions): Promise<RealEureka>;
export function startEurekaApplication(options: EurekaApplicationOptions): Promise<SpringApplication>;
