/** `rollcall debug`: collects data for a while that helps to find a fault of a registry, and writes one archive. */

import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Option, type Command } from 'commander';
import { targetOf } from '../admin-call.ts';
import { capture, captureTargets, type CaptureTarget } from '../capture.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { CommandFailure, exitCodes, usage } from '../failure.ts';
import { duration } from '../option-values.ts';
import { addRegistryOptions, type RegistryFlags } from '../servers.ts';
import { stopSignals } from '../signals.ts';
import { tar, type ArchivedFile } from '../tar.ts';
import { print, printJson, remark } from '../terminal.ts';
import { ownVersion } from './version.ts';

interface DebugFlags extends RegistryFlags {
  readonly duration: number;
  readonly interval: number;
  readonly output?: string;
  readonly capture: readonly CaptureTarget[];
  readonly archive: boolean;
  readonly json?: true;
}

const intervalMinMs = 1_000;

export function addDebug(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('debug')
    .description('collect configuration without secrets, status, metrics and the log of a registry for a while, as one archive')
    .addOption(new Option('--duration <duration>', 'time to collect; Ctrl-C ends it early').argParser(duration).default(120_000, '2m'))
    .addOption(new Option('--interval <duration>', 'time between two readings of status and metrics').argParser(duration).default(30_000, '30s'))
    .option('--output <path>', 'path of the archive without .tar.gz (default rollcall-debug-TIME in this directory)')
    .addOption(new Option('--capture <target>', 'collect only this; may be repeated').choices(captureTargets).argParser(targets).default([], 'all'))
    .option('--no-archive', 'write a folder of files instead of an archive')
    .option('--json', 'print the result as JSON');
  addExamples(addRegistryOptions(command), 'rollcall debug', 'rollcall debug --duration 30s --interval 5s --capture metrics --capture logs');
  command.action(async ({ duration: durationMs, interval: intervalMs, output, capture: only, archive, json, ...flags }: DebugFlags) => {
    if (intervalMs < intervalMinMs) throw usage(`--interval: the shortest is ${intervalMinMs / 1_000} s`);
    if (durationMs < intervalMs) throw usage('--duration: it is shorter than --interval');
    const target = await targetOf(flags, terminal);
    const started = new Date();
    const path = output ?? `rollcall-debug-${started.toISOString().replaceAll(':', '-').replace(/\.\d+Z/, 'Z')}`;
    const result = archive ? `${path}.tar.gz` : path;
    // Checked now, so that the user gets the error before the collection, not after two minutes.
    const place = await (archive ? open(result, 'wx', 0o600) : mkdir(result, { mode: 0o700 })).catch((error: unknown) => {
      throw new CommandFailure(exitCodes.failure, `cannot write there: ${(error as Error).message}`, { cause: error });
    });
    const stopped = new AbortController();
    void stopSignals().first.then(() => stopped.abort());
    const wanted = only.length === 0 ? captureTargets : only;
    const captured = capture(target, { targets: wanted, durationMs, intervalMs, signal: stopped.signal });
    const { files, problems } = await captured.catch(async (error: unknown) => {
      if (typeof place === 'object') await place.close();
      await rm(result, { recursive: true, force: true });
      throw error;
    });
    for (const problem of problems) remark(terminal, `without ${problem}`);
    const index = { version: ownVersion(), servers: target.servers, started, ended: new Date(), intervalMs, problems, files: files.map((file) => file.path) };
    const all = [...files, { path: 'index.json', content: Buffer.from(`${JSON.stringify(index, undefined, 2)}\n`) }];
    if (typeof place === 'object') {
      const folder = path.split('/').at(-1) ?? path;
      await place.writeFile(gzipSync(await tar(all.map((file) => ({ ...file, path: `${folder}/${file.path}` })), started.getTime())));
      await place.close();
    } else await writeFolder(path, all);
    if (json === true) printJson(terminal, { file: result, files: all.length, problems });
    else print(terminal, `${result}: ${all.length} files`);
  });
}

async function writeFolder(folder: string, files: readonly ArchivedFile[]): Promise<void> {
  for (const { path, content } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true, mode: 0o700 });
    await writeFile(join(folder, path), content, { mode: 0o600 });
  }
}

/** As in Consul, one option may name several targets, with commas between them. */
function targets(text: string, before: readonly CaptureTarget[]): CaptureTarget[] {
  const found = text.split(',').map((each) => captureTargets.find((known) => known === each));
  if (found.includes(undefined)) throw usage(`--capture: ${JSON.stringify(text)} is unknown; there are ${captureTargets.join(', ')}`);
  return [...before, ...(found as CaptureTarget[])];
}
