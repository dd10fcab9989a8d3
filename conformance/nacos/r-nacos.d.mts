/** Types of r-nacos.mjs, which is plain JavaScript since benchmarks run it without a build. */

export interface RNacos {
  readonly url: string;
  readonly httpPort: number;
  readonly grpcPort: number;
  readonly pid: number;
  /** Milliseconds from the command until both ports accept connections. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export function rNacosProblem(): string | undefined;
export function startRNacos(options?: { readonly command?: readonly string[] }): Promise<RNacos>;
