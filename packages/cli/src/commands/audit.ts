/** `rollcall audit verify FILE`: checks that an audit log is unchanged. Needs no registry. */

import { accessSync, constants, statSync } from 'node:fs';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.ts';
import { CommandFailure, exitCodes, fileProblem } from '../failure.ts';
import { print, printJson, type Terminal } from '../terminal.ts';

interface VerifyFlags {
  readonly contains?: string;
  readonly json?: true;
}

export function addAudit(parent: Command, { terminal }: CommandContext): void {
  const audit = parent.command('audit').description('check audit logs');
  audit
    .command('verify')
    .description('check that no line of an audit log was changed, removed or moved')
    .argument('<file>', 'the log')
    .option('--contains <hash>', 'also check that the line with this hash exists: the hash of the last line, kept in another place, shows whether the end was removed')
    .option('--json', 'print the result as JSON')
    .action((file: string, flags: VerifyFlags) => verify(file, flags, terminal));
}

async function verify(file: string, { contains, json }: VerifyFlags, terminal: Terminal): Promise<void> {
  const { linesOf, verifyAudit } = await import('@rollcall/server');
  try {
    accessSync(file, constants.R_OK);
    if (statSync(file).isDirectory()) throw new Error(`${file} is a directory`);
  } catch (error) {
    throw new CommandFailure(exitCodes.failure, `cannot read the audit log: ${fileProblem(file, error)}`);
  }
  let found = contains === undefined;
  async function* watched(): AsyncGenerator<string> {
    for await (const line of linesOf(file)) {
      found ||= line.endsWith(`"hash":"${contains}"}`);
      yield line;
    }
  }
  const verdict = await verifyAudit(watched());
  if (!verdict.ok) throw new CommandFailure(exitCodes.failure, `${file}: line ${verdict.line}: ${verdict.problem}`);
  if (!found) throw new CommandFailure(exitCodes.failure, `${file}: no line has the hash ${contains}: its end was removed, or it is another log`);
  const { seq, hash } = verdict.end;
  if (json === true) printJson(terminal, { lines: seq, hash });
  else print(terminal, `${file}: ${seq} ${seq === 1 ? 'line' : 'lines'} unchanged; the last has the hash ${hash}`);
}
