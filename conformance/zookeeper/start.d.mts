/** Types of start.mjs, which is plain JavaScript since benchmarks run it without a build. */

import type { JavaOptions } from '../java-program.mjs';

/** A server that answers ZooKeeper's clients. */
export interface ZooKeeperServer {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, at the same address and with the same data. */
  start(): Promise<void>;
  /** SIGTERM; removes its data. */
  stop(): Promise<void>;
}

export interface RollcallServer extends ZooKeeperServer {
  readonly httpUrl: string;
}

export interface RealZooKeeperOptions extends Partial<Pick<JavaOptions, 'command' | 'heapMb'>> {
  readonly tickMs?: number;
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string };
}

export interface RealZooKeeper extends ZooKeeperServer {
  /** Undefined without TLS. */
  readonly securePort?: number;
}

export interface RollcallOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly folder?: string;
  readonly secure?: boolean;
}

export function zooKeeperProblem(): string | undefined;
export function startRealZooKeeper(options?: RealZooKeeperOptions): Promise<RealZooKeeper>;
export function startRollcall(options?: RollcallOptions): Promise<RollcallServer>;
export function fourLetters(port: number, word: string): Promise<string>;
