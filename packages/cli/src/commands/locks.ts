/** `rollcall locks`: the locks in use, or one with its holders and its queue. It changes nothing; `rollcall lock` and `rollcall lead` take locks. */

import type { Command } from 'commander';
import { kindOfLock, lockListSchema, nameOfContender, lockSchema, type ListedLock, type LockContender, type LockDetail, type LockList } from '@rollcall/protocol';
import { askAnswer, namespacedTargetOf, type Target } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { print, printJson, visible, type Terminal } from '../terminal.ts';

interface LocksFlags extends RegistryFlags {
  readonly json?: true;
}

export function addLocks(parent: Command, { terminal }: CommandContext): void {
  const command = parent
    .command('locks')
    .description('list the locks and elections in use, or show who holds one and who waits for it')
    .argument('[name]', 'this lock')
    .option('--json', 'print an array of locks, or the lock, as the registry has them');
  addExamples(addNamespacedOptions(command), 'rollcall locks', 'rollcall locks jobs/nightly');
  command.action(async (name: string | undefined, { json, ...flags }: LocksFlags) => {
    const target = await namespacedTargetOf(flags, terminal);
    if (name === undefined) {
      const locks = await all(target);
      if (json === true) printJson(terminal, locks);
      else printTable(terminal, ['LOCK', 'KIND', 'HELD BY', 'SINCE', 'TOKEN', 'WAITING'], locks.map(row));
      return;
    }
    const lock = await askAnswer(target, pathOf(target, '', { name }), lockSchema);
    if (json === true) printJson(terminal, lock);
    else if (lock.limit === 0) print(terminal, `lock ${visible(name)} is not in use`);
    else printLock(terminal, lock);
  });
}

/** All pages. */
async function all(target: Target): Promise<readonly ListedLock[]> {
  const found: ListedLock[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { locks, next }: LockList = await askAnswer(target, pathOf(target, '/list', { after }), lockListSchema);
    found.push(...locks);
    after = next;
  }
  return found;
}

function pathOf({ namespace }: Target, path: string, query: Readonly<Record<string, string>>): string {
  return `/rollcall/v1/locks${path}?${String(new URLSearchParams({ ...query, ...(namespace === undefined ? {} : { namespace }) }))}`;
}

function row({ name, holders, holding, waiting, ...shape }: ListedLock): readonly string[] {
  const [first] = holders;
  const more = holding - holders.length;
  return [name, kindOfLock({ ...shape, holding }), `${holders.map(nameOfContender).join(', ')}${more > 0 ? ` and ${more} more` : ''}`, timeOf(first?.sinceMs), first?.token ?? '', String(waiting)];
}

function printLock(terminal: Terminal, { limit, purpose, holders, waiting }: LockDetail): void {
  print(terminal, kindOfLock({ purpose, limit, shared: holders[0]?.shared, holding: holders.length }));
  const cells = ({ sinceMs, ttlMs, session, ...each }: LockContender, place: string): readonly string[] => [place, nameOfContender(each), timeOf(sinceMs), each.token ?? '', ttlMs === undefined ? '' : `${ttlMs / 1_000}s`, session];
  printTable(terminal, ['PLACE', 'WHO', 'SINCE', 'TOKEN', 'LEASE', 'SESSION'], [...holders.map((each) => cells(each, 'holds')), ...waiting.map((each, at) => cells(each, String(at + 1)))]);
}

/** Empty for one that an older Rollcall wrote. */
function timeOf(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString();
}
