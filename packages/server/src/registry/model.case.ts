/**
 * A naive model of the registry: arrays, full scans, no indexes, no records. Slow and obvious, so
 * that it can be believed; the property tests compare the real state machine with it.
 */

import type { AdministrativeStatus, CheckStatus } from '@rollcall/protocol';
import type { Requirement } from './command.ts';
import type { Command, Txn } from './kinds.ts';

interface Kv {
  key: string;
  value: string;
  flags: bigint;
  lockIndex: number;
  session: string | undefined;
  /** Revision of the last write; -1 while its batch is not committed. */
  modified: number;
}

type Refused = 'not_found' | 'failed_precondition' | 'already_exists' | 'invalid_argument';

/** Of a transaction: which operations failed, or the KV values that each read. */
type TxnAnswer = { readonly failed: readonly number[] } | { readonly read: readonly string[] };

/** The expected answer of a command: a value, or the code of its refusal. */
export type Answer = boolean | number | Refused | TxnAnswer;

const administrative = '_rollcall_status:';

interface Instance {
  node: string;
  id: string;
  service: string;
  tags: readonly string[];
  session: string | undefined;
  status: AdministrativeStatus;
  override: AdministrativeStatus | undefined;
  enabled: boolean;
}

interface Data {
  nodes: { name: string; address: string; id: string }[];
  services: { name: string; protectThreshold: number }[];
  instances: Instance[];
  checks: { node: string; id: string; instance: string; status: CheckStatus; type: string }[];
  sessions: { id: string; node: string; checks: readonly string[]; behavior: string; lockDelayMs: number }[];
  kv: Kv[];
  delays: { key: string; until: number }[];
}

export class Model {
  data: Data = { nodes: [], services: [], instances: [], checks: [], sessions: [], kv: [], delays: [] };
  #revision = 0;
  readonly #revisions = new Map<string, number>();

  /**
   * Runs a batch; refused commands leave no trace.
   * @param revision what the log gave the batch; by default the model counts for itself
   */
  commit(commands: readonly Command[], now: number, views: readonly string[], revision?: number): Answer[] {
    const before = structuredClone(this.data);
    const contents = views.map((view) => this.content(view));
    const answers = commands.map((command) => {
      const undo = structuredClone(this.data);
      const answer = this.#run(command, now);
      if (typeof answer === 'string') this.data = undo;
      return answer;
    });
    if (revision !== undefined) this.#revision = revision;
    else if (unordered(before) !== unordered(this.data)) this.#revision++;
    for (const entry of this.data.kv) {
      if (entry.modified !== -1) continue;
      const old = before.kv.find((each) => each.key === entry.key);
      // Moved there and back in one batch: not moved.
      const same = old !== undefined && show({ ...old, modified: 0 }) === show({ ...entry, modified: 0 });
      entry.modified = same ? old.modified : this.#revision;
    }
    views.forEach((view, at) => {
      if (this.content(view) !== contents[at]) this.#revisions.set(view, this.#revision);
    });
    return answers;
  }

  /** The revision at which the view's content last changed; 0 when it never did. */
  revisionOf(view: string): number {
    return this.#revisions.get(view) ?? 0;
  }

  servicesOn(node: string): string[] {
    const own = this.data.instances.filter((each) => each.node === node);
    return [...new Set(own.map(({ service }) => service))].sort();
  }

  content(view: string): string {
    const { nodes, instances, checks, sessions, kv } = this.data;
    const [kind, , name = ''] = view.split('\0');
    switch (kind) {
      case 'services':
        return show(
          [...new Set(instances.map((each) => each.service))].sort().map((service) => [
            service,
            [...new Set(instances.filter((each) => each.service === service).flatMap((each) => each.tags))].sort(),
          ]),
        );
      case 'service': {
        const own = instances.filter((each) => each.service === name);
        return sorted(
          own.map((instance) => [
            instance,
            nodes.find((node) => node.name === instance.node),
            checks.filter((c) => c.node === instance.node && (c.instance === '' || c.instance === instance.id)).sort(byId),
          ]),
        );
      }
      case 'service-record':
        return show(this.data.services.find((each) => each.name === name));
      case 'service-records':
        return sorted(this.data.services);
      case 'nodes':
        return sorted(nodes);
      case 'node':
        return show([
          nodes.find((node) => node.name === name),
          sorted(instances.filter((each) => each.node === name)),
          sorted(checks.filter((each) => each.node === name)),
        ]);
      case 'checks':
        return sorted(
          checks.map((check) => {
            const own = instances.find((each) => each.node === check.node && each.id === check.instance);
            return [check, own?.service, own?.tags];
          }),
        );
      case 'catalog':
        return show([sorted(nodes), sorted(instances), sorted(checks)]);
      case 'sessions':
        return sorted(sessions);
      case 'key':
        return show(kv.find((each) => each.key === name));
      case 'prefix':
        return sorted(kv.filter((each) => each.key.startsWith(name)));
      default:
        throw new Error(`the model has no view ${view}`);
    }
  }

  #run(command: Command, now: number): Answer {
    const d = this.data;
    switch (command.kind) {
      case 'register':
        return this.#register(command, now);
      case 'instance-status': {
        const instance = d.instances.find((each) => each.node === command.node && each.id === command.id);
        if (instance === undefined) return false;
        const { status = instance.status, override = instance.override, enabled = instance.enabled } = command;
        Object.assign(instance, { status, override: override ?? undefined, enabled });
        this.#showStatus(instance);
        return true;
      }
      case 'service-put':
        d.services = d.services.filter((each) => each.name !== command.name);
        d.services.push({ name: command.name, protectThreshold: command.protectThreshold ?? 0 });
        return true;
      case 'service-delete': {
        const known = d.services.length;
        d.services = d.services.filter((each) => each.name !== command.name);
        return d.services.length < known;
      }
      case 'deregister-instance':
        return this.#removeInstance(command.node, command.id, now);
      case 'deregister-check':
        if (command.id.startsWith(administrative)) return 'failed_precondition';
        return this.#removeCheck(command.node, command.id, now);
      case 'deregister-node': {
        if (!d.nodes.some((node) => node.name === command.node)) return false;
        this.#removeNode(command.node, now);
        return true;
      }
      case 'update-checks': {
        let existed = 0;
        for (const { node, id, status } of command.updates) {
          const check = d.checks.find((each) => each.node === node && each.id === id);
          if (check === undefined || check.type.startsWith('status ')) continue;
          existed++;
          if (status !== undefined) this.#setStatus(check, status, now);
        }
        return existed;
      }
      case 'kv-put':
        return this.#put(command, now);
      case 'kv-delete': {
        const entry = d.kv.find((each) => each.key === command.key);
        if (entry === undefined) return true;
        if (command.cas !== undefined && command.cas !== entry.modified) return false;
        d.kv = d.kv.filter((each) => each !== entry);
        return true;
      }
      case 'kv-delete-tree':
        d.kv = d.kv.filter((each) => !each.key.startsWith(command.prefix));
        return true;
      case 'session-create': {
        if (d.sessions.some((each) => each.id === command.id)) return 'already_exists';
        if (!d.nodes.some((each) => each.name === command.node)) return 'failed_precondition';
        for (const { id } of command.checks) {
          const check = d.checks.find((each) => each.node === command.node && each.id === id);
          if (check === undefined || check.status === 'critical') return 'failed_precondition';
        }
        const { id, node, behavior, lockDelayMs } = command;
        const checks = command.checks.map((check) => check.id);
        d.sessions.push({ id, node, checks, behavior, lockDelayMs });
        return true;
      }
      case 'session-destroy':
        return this.#endSession(command.id, now);
      case 'txn':
        return this.#transact(command, now);
      default:
        throw new Error(`the model has no command ${command.kind}`);
    }
  }

  #transact({ operations }: Txn, now: number): TxnAnswer {
    const undo = structuredClone(this.data);
    const failed: number[] = [];
    const read: string[] = [];
    operations.forEach((operation, at) => {
      const { require, change } = operation;
      const undoOne = change === undefined ? this.data : structuredClone(this.data);
      const done = (require === undefined || this.#holds(require)) && (change === undefined || this.#run(change, now));
      const conditional = change === undefined || change.kind === 'kv-put' || change.kind === 'kv-delete';
      if (typeof done === 'string') this.data = undoOne;
      if (typeof done === 'string' || (done === false && (conditional || !this.#holds(require)))) failed.push(at);
      read.push(this.#read(operation.read));
    });
    if (failed.length === 0) return { read };
    this.data = undo;
    return { failed };
  }

  #holds(require: Requirement | undefined): boolean {
    if (require === undefined) return true;
    const entry = this.data.kv.find((each) => `kv\0default\0${each.key}` === require.key);
    if ('present' in require) return require.present === (entry !== undefined);
    if ('session' in require) return entry !== undefined && entry.session === require.session;
    return require.revision === 0 ? entry === undefined : entry?.modified === require.revision;
  }

  #read(read: Txn['operations'][number]['read']): string {
    if (read === undefined) return '';
    const wanted = (key: string) => ('key' in read ? `kv\0default\0${key}` === read.key : key.startsWith(read.prefix));
    const found = this.data.kv.filter(({ key }) => wanted(key));
    return found.map(({ key, value }) => `${key}=${value}`).sort().join();
  }

  #register(command: Extract<Command, { kind: 'register' }>, now: number): Answer {
    const d = this.data;
    const { name, address } = command.node;
    const hasNode = command.nodeMode !== 'none';
    const node = d.nodes.find((each) => each.name === name);
    const id = command.node.id ?? node?.id ?? '';
    const writes = command.nodeMode === 'update' || (command.nodeMode === 'ensure' && node === undefined);
    if (writes && id !== '' && node?.id !== id) {
      const former = d.nodes.find((each) => each.id === id);
      const lives = d.checks.some((each) => each.node === name && each.id === 'serfHealth' && each.status !== 'critical');
      if (node !== undefined && lives && (node.id !== '' || former !== undefined)) return 'failed_precondition';
      if (former !== undefined) this.#removeNode(former.name, now);
    }
    if (command.nodeMode === 'exists' && node === undefined) return 'not_found';
    if (hasNode && command.nodeMode !== 'exists' && node === undefined) d.nodes.push({ name, address, id });
    if (command.nodeMode === 'update' && node !== undefined) Object.assign(node, { address, id });
    for (const { id, service, tags = [], session, status = 'up', enabled } of command.instances ?? []) {
      if (session !== undefined && !d.sessions.some((each) => each.id === session)) return 'not_found';
      const at = d.instances.findIndex((each) => each.node === name && each.id === id);
      const before = d.instances[at];
      const kept = { override: before?.override, enabled: enabled ?? before?.enabled ?? true };
      const row = { node: name, id, service, tags, session, status, ...kept };
      if (at < 0) d.instances.push(row);
      else d.instances[at] = row;
      this.#showStatus(row);
    }
    for (const { id, instance = '', status, type = 'none' } of command.checks ?? []) {
      if (instance !== '' && !d.instances.some((each) => each.node === name && each.id === instance)) return 'not_found';
      if (id.startsWith(administrative)) return 'failed_precondition';
      if (!hasNode && instance === '') return 'invalid_argument';
      const before = d.checks.find((each) => each.node === name && each.id === id);
      if (before !== undefined && before.instance !== instance) return 'already_exists';
      const check = before ?? { node: name, id, instance, status: 'critical' as CheckStatus, type };
      if (before === undefined) {
        d.checks.push(check);
        // A new critical check may bear the id of one that a session was bound to.
        if ((status ?? 'critical') === 'critical') this.#endSessionsOf(name, id, now);
      }
      check.type = type;
      if (status !== undefined) this.#setStatus(check, status, now);
    }
    if (command.replaceChecks === true) {
      for (const instance of command.instances ?? []) {
        for (const check of d.checks.filter((each) => each.node === name && each.instance === instance.id)) {
          if (check.id === `_service_maintenance:${instance.id}` || check.type.startsWith('status ')) continue;
          if (!(command.checks ?? []).some((kept) => kept.id === check.id)) this.#removeCheck(name, check.id, now);
        }
      }
    }
    return true;
  }

  /** The check that shows an administrative status is there exactly while the instance gets no traffic for it. */
  #showStatus({ node, id, status, override, enabled }: Instance): void {
    const d = this.data;
    d.checks = d.checks.filter((each) => each.node !== node || each.id !== administrative + id);
    const words = ['up', 'starting', 'draining', 'down', 'out_of_service'];
    const replaced = override !== undefined && (status === 'up' || status === 'out_of_service');
    const said = [replaced ? 'up' : status, override ?? 'up', enabled ? 'up' : 'out_of_service'];
    const worst = words.findLast((word) => said.includes(word)) ?? 'up';
    if (worst !== 'up') d.checks.push({ node, id: administrative + id, instance: id, status: 'critical', type: `status ${worst}` });
  }

  #put(command: Extract<Command, { kind: 'kv-put' }>, now: number): Answer {
    const d = this.data;
    const entry = d.kv.find((each) => each.key === command.key);
    const value = Buffer.from(command.value).toString();
    const next: Kv = {
      key: command.key,
      value,
      flags: command.flags,
      lockIndex: entry?.lockIndex ?? 0,
      session: entry?.session,
      modified: -1,
    };
    const { condition } = command;
    if (condition?.kind === 'cas') {
      if (condition.revision === 0 ? entry !== undefined : entry?.modified !== condition.revision) return false;
    }
    if (condition?.kind === 'acquire') {
      const { session } = condition;
      if (!d.sessions.some((each) => each.id === session)) return 'failed_precondition';
      if (entry?.session !== session) {
        if (entry?.session !== undefined) return false;
        if (d.delays.some((each) => each.key === command.key && each.until > now)) return false;
        next.session = session;
        next.lockIndex++;
      }
    }
    if (condition?.kind === 'release') {
      if (entry?.session !== condition.session) return false;
      next.session = undefined;
    }
    if (entry !== undefined && show({ ...entry, modified: 0 }) === show({ ...next, modified: 0 })) return true;
    d.kv = [...d.kv.filter((each) => each !== entry), next];
    return true;
  }

  #setStatus(check: Data['checks'][number], status: CheckStatus, now: number): void {
    const before = check.status;
    check.status = status;
    if (status === 'critical' && before !== 'critical') this.#endSessionsOf(check.node, check.id, now);
  }

  #removeCheck(node: string, id: string, now: number): boolean {
    const kept = this.data.checks.filter((each) => each.node !== node || each.id !== id);
    if (kept.length === this.data.checks.length) return false;
    this.data.checks = kept;
    this.#endSessionsOf(node, id, now);
    return true;
  }

  #removeInstance(node: string, id: string, now: number): boolean {
    const kept = this.data.instances.filter((each) => each.node !== node || each.id !== id);
    if (kept.length === this.data.instances.length) return false;
    this.data.instances = kept;
    for (const check of this.data.checks.filter((each) => each.node === node && each.instance === id)) {
      this.#removeCheck(node, check.id, now);
    }
    return true;
  }

  #removeNode(name: string, now: number): void {
    const d = this.data;
    for (const s of d.sessions.filter((each) => each.node === name)) this.#endSession(s.id, now);
    for (const i of d.instances.filter((each) => each.node === name)) this.#removeInstance(name, i.id, now);
    for (const c of d.checks.filter((each) => each.node === name)) this.#removeCheck(name, c.id, now);
    d.nodes = d.nodes.filter((node) => node.name !== name);
  }

  #endSessionsOf(node: string, check: string, now: number): void {
    for (const session of this.data.sessions) {
      if (session.node === node && session.checks.includes(check)) this.#endSession(session.id, now);
    }
  }

  #endSession(id: string, now: number): boolean {
    const d = this.data;
    const session = d.sessions.find((each) => each.id === id);
    if (session === undefined) return false;
    d.sessions = d.sessions.filter((each) => each !== session);
    for (const entry of d.kv.filter((each) => each.session === id)) {
      if (session.behavior === 'delete') d.kv = d.kv.filter((each) => each !== entry);
      else {
        entry.session = undefined;
        entry.modified = -1;
      }
      if (session.lockDelayMs > 0) {
        d.delays = d.delays.filter((each) => each.key !== entry.key);
        d.delays.push({ key: entry.key, until: now + session.lockDelayMs });
      }
    }
    for (const held of d.instances.filter((each) => each.session === id)) this.#removeInstance(held.node, held.id, now);
    return true;
  }
}

/** Contents in an order of their own, without the revisions of KV entries, which follow from the batch. */
function unordered({ kv, ...rest }: Data): string {
  const unstamped = kv.map((entry) => ({ ...entry, modified: 0 }));
  return show(Object.values({ ...rest, kv: unstamped }).map(sorted));
}

export function show(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)) ?? 'nothing';
}

function sorted(rows: readonly unknown[]): string {
  return show(rows.map(show).sort());
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}
