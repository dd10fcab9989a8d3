/** `rollcall locks`: the locks in use, or one with its holders and its queue. It changes nothing; `rollcall lock` and `rollcall lead` take locks. */

import type { Command } from 'commander';
import { askJson, namespacedTargetOf, type Target } from '../admin-call.ts';
import type { CommandContext } from '../command-context.ts';
import { addExamples } from '../examples.ts';
import { addNamespacedOptions, type RegistryFlags } from '../servers.ts';
import { printTable } from '../table.ts';
import { print, printJson, visible, type Terminal } from '../terminal.ts';

interface LocksFlags extends RegistryFlags {
  readonly json?: true;
}

interface Contender {
  readonly contender: string;
  readonly session: string;
  readonly token?: string;
  readonly shared?: boolean;
  readonly sinceMs?: number;
  readonly ttlMs?: number;
  readonly value?: string;
}

interface ListedLock {
  readonly name: string;
  readonly purpose?: string;
  readonly limit: number;
  readonly shared?: boolean;
  readonly holding: number;
  readonly waiting: number;
  /** At most 10. */
  readonly holders: readonly Contender[];
}

interface WholeLock {
  readonly limit: number;
  readonly purpose?: string;
  readonly holders: readonly Contender[];
  readonly waiting: readonly Contender[];
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
    const lock = await askJson<WholeLock>(target, pathOf(target, '', { name }));
    if (json === true) printJson(terminal, lock);
    else if (lock.limit === 0) print(terminal, `lock ${visible(name)} is not in use`);
    else printLock(terminal, lock);
  });
}

/** All pages. */
async function all(target: Target): Promise<readonly ListedLock[]> {
  const found: ListedLock[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const { locks, next }: { readonly locks: readonly ListedLock[]; readonly next?: string } = await askJson(target, pathOf(target, '/list', { after }));
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
  return [name, kindOf({ ...shape, holding }), `${holders.map(nameOf).join(', ')}${more > 0 ? ` and ${more} more` : ''}`, timeOf(first?.sinceMs), first?.token ?? '', String(waiting)];
}

function printLock(terminal: Terminal, { limit, purpose, holders, waiting }: WholeLock): void {
  print(terminal, kindOf({ purpose, limit, shared: holders[0]?.shared, holding: holders.length }));
  const cells = ({ sinceMs, ttlMs, session, ...each }: Contender, place: string): readonly string[] => [place, nameOf(each), timeOf(sinceMs), each.token ?? '', ttlMs === undefined ? '' : `${ttlMs / 1_000}s`, session];
  printTable(terminal, ['PLACE', 'WHO', 'SINCE', 'TOKEN', 'LEASE', 'SESSION'], [...holders.map((each) => cells(each, 'holds')), ...waiting.map((each, at) => cells(each, String(at + 1)))]);
}

interface Shape {
  readonly purpose?: string | undefined;
  readonly limit: number;
  readonly shared?: boolean | undefined;
  readonly holding: number;
}

/** As the console says it. Locks of clients that do not say are told apart by their shape. */
function kindOf({ purpose, limit, shared, holding }: Shape): string {
  if (purpose === 'semaphore' || limit > 1) return `semaphore ${holding}/${limit}`;
  const name = purpose ?? 'lock';
  return shared === true ? `${name}, shared by ${holding}` : name;
}

function nameOf({ value, contender }: Pick<Contender, 'value' | 'contender'>): string {
  return value ?? contender.slice(0, 8);
}

/** Empty for one that an older Rollcall wrote. */
function timeOf(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString();
}
