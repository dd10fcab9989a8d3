/**
 * The terminal of a command: the streams and the environment of the process, and functions that write to
 * them. Tests of single parts give their own.
 */

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import pc from 'picocolors';

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the reader of stdout has ended (`rollcall watch web | head -1`). */
  readonly unread: AbortSignal;
}

export type Colors = ReturnType<typeof pc.createColors>;

/** Colours for a stream: on terminals only, and not with NO_COLOR (https://no-color.org). */
export function colorsFor(stream: { readonly isTTY?: boolean }, env: Terminal['env']): Colors {
  const wanted = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  return pc.createColors(wanted);
}

export function print(terminal: Terminal, line: string): void {
  terminal.stdout.write(`${line}\n`);
}

/** A remark beside the result; on stderr, so that it never gets into a pipe. */
export function remark(terminal: Terminal, line: string): void {
  terminal.stderr.write(`rollcall: ${line}\n`);
}

/** Writes a part of a long output; resolves when there is room for more, or when the reader has ended. */
export async function written({ stdout, unread }: Terminal, text: string): Promise<void> {
  if (unread.aborted || stdout.write(text)) return;
  await once(stdout, 'drain', { signal: unread }).catch(() => undefined);
}

/** One JSON document on one line. */
export function printJson(terminal: Terminal, value: unknown): void {
  print(terminal, JSON.stringify(value));
}

/** Resolves when the kernel has accepted everything written so far. */
export async function flushed(terminal: Terminal): Promise<void> {
  for (const stream of [terminal.stdout, terminal.stderr]) {
    if (stream.writable) await new Promise<void>((done) => stream.write('', () => done()));
  }
}

/**
 * `text` with control characters made visible (`\\x1b`): values and tags come from every client that
 * can register. Line ends and tabs are kept.
 */
export function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** The same on one line. */
export function visible(text: string): string {
  return harmless(text).replace(/\n/g, '\\n').replace(/\t/g, '\\t');
}

/** `1 key`, `2 keys`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
