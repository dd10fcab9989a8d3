/** What is asked about clients, and how questions and answers travel between nodes: a line of JSON for each client or edge. */

import type { ListedClient } from '@rollcall/protocol';

/** A client as nodes tell it to each other: what a caller may do with it is not in it. */
export type ClientLine = Omit<ListedClient, 'can'>;

/** The clients that are asked for. */
export interface ClientsQuestion {
  readonly namespace: string;
  /** Only clients that watch or choose instances of this service. */
  readonly service?: string;
  /** Only clients that follow this configuration, `APP/NAME`. */
  readonly config?: string;
  /** Only clients with this text in their name, version, address or protocol, in lower case. */
  readonly text?: string;
  /** The longest list that is of use. */
  readonly limit: number;
}

/** Things of all nodes that have answered, each as a line of JSON. */
export interface Lines {
  readonly lines: readonly string[];
  /** All that were found; more than lines beyond the limit. */
  readonly count: number;
  /** Nodes that have not answered. */
  readonly missing: readonly string[];
}

/** Things of a past time. */
export interface PastLines extends Lines {
  /** Nodes that know who was connected to them then. */
  readonly knew: number;
  /** Nodes that do not, with the first time of which they know it, in milliseconds since the Unix epoch. */
  readonly unknown: readonly { readonly node: string; readonly sinceMs: number }[];
}

/** Clients, or edges, of one answer, also of all nodes together. */
export const linesMax = 10_000;

/** Characters of one answer. A message between nodes has 16 MiB, and a character up to 3 bytes. */
export const charactersMax = 5_000_000;

/** Whether a text, in lower case, is in one of the words about a client; undefined: any is meant. */
export function hasText({ client, version = '', address = '', via }: Pick<ListedClient, 'client' | 'via'> & { readonly version?: string | undefined; readonly address?: string | undefined }, text: string | undefined): boolean {
  return text === undefined || [client, version, address, via].some((word) => word.toLowerCase().includes(text));
}

/** Joins the answers of several nodes, within the limits. */
export function joinLines(all: readonly Lines[], limit = linesMax): Lines {
  const lines: string[] = [];
  let characters = 0;
  for (const each of all) {
    for (const line of each.lines) {
      if (lines.length >= limit || (characters += line.length + 1) > charactersMax) break;
      lines.push(line);
    }
  }
  return { lines, count: all.reduce((sum, { count }) => sum + count, 0), missing: all.flatMap(({ missing }) => missing) };
}

export function joinPastLines(all: readonly PastLines[], limit = linesMax): PastLines {
  return { ...joinLines(all, limit), knew: all.reduce((sum, { knew }) => sum + knew, 0), unknown: all.flatMap(({ unknown }) => unknown) };
}

export function encodeLines({ lines, ...head }: Lines): Buffer {
  return Buffer.from([JSON.stringify(head), ...lines].join('\n'));
}

/** @throws SyntaxError when it is no answer */
export function decodeLines(body: Buffer): Lines {
  const [head = '', ...lines] = body.toString().split('\n');
  const { count, missing } = JSON.parse(head) as Omit<Lines, 'lines'>;
  return { lines, count, missing };
}

/** @throws SyntaxError when it is no answer */
export function decodePastLines(body: Buffer): PastLines {
  const [head = '', ...lines] = body.toString().split('\n');
  const { count, missing, knew, unknown } = JSON.parse(head) as Omit<PastLines, 'lines'>;
  return { lines, count, missing, knew, unknown };
}
