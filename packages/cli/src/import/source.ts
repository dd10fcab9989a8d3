/** The command line of an import: its source, and the report for people. */

import { usage } from '../failure.ts';
import { serversOf } from '../servers.ts';
import { print, remark, visible, type Terminal } from '../terminal.ts';
import type { ImportReport, LeftOut } from './report.ts';

/** Lines that name skipped entries; a thousand of them would hide the rest of the output. */
const linesMax = 20;

/** @throws CommandFailure `usage` */
export function sourceUrl(text: string): string {
  const [url = '', ...others] = serversOf(text, {});
  if (others.length > 0) throw usage(`--from: ${JSON.stringify(text)} names several servers; name only one, since each has the whole content`);
  return url;
}

export interface ShowOptions {
  readonly terminal: Terminal;
  readonly dryRun: boolean;
  /** What an import of this kind never copies. */
  readonly never: string;
}

export function show({ copied, kept, failed, skipped }: ImportReport, { terminal, dryRun, never }: ShowOptions): void {
  print(terminal, dryRun ? 'would be copied:' : 'copied:');
  for (const [kind, count] of copied) {
    const there = kept.get(kind) ?? 0;
    print(terminal, `  ${String(count).padStart(7)}  ${kind}${there === 0 ? '' : ` (and ${there} that existed already)`}`);
  }
  print(terminal, `not copied: ${never}`);
  for (const [title, all] of [['left out', skipped], ['failed', failed]] as const) {
    for (const each of all.slice(0, linesMax)) remark(terminal, `${title}: ${line(each)}`);
    if (all.length > linesMax) remark(terminal, `${title}: and ${all.length - linesMax} more; --json names them all`);
  }
}

function line({ kind, name, reason }: LeftOut): string {
  return visible(`${kind}${name === undefined ? '' : ` ${name}`}: ${reason}`);
}
