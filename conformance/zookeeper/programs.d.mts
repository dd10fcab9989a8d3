/** Types of programs.mjs, which is plain JavaScript as the files that start servers beside it are. */

/** Lines by the name of the program that printed them. */
export type Transcripts = Readonly<Record<string, readonly string[]>>;

export function kazooProblem(): string | undefined;
export function curatorProblem(): string | undefined;
/** Files of a client that uses TLS, in PEM. */
export interface ClientTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly certAndKey: string;
}

export function runKazoo(address: string, names?: readonly string[], tls?: ClientTls): Promise<Transcripts>;
export function runCurator(address: string, names?: readonly string[], tls?: ClientTls): Promise<Transcripts>;
export function recorded(library: 'kazoo' | 'curator'): Transcripts;
