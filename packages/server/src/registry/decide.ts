/**
 * `decide`: from a command to writes on a draft, or an error. Pure: no clock, randomness or I/O.
 *
 * Each kind of command has one function, here or in the room of its kind (`kind/`). View markers are not their business: `touchViews`
 * derives them once per batch.
 */

import type { AnyResult, Command, RecordPut, Result, Txn, TxnResult } from './command.ts';
import { updateChecks } from './kind/catalog/update-checks.ts';
import { setStatus } from './kind/catalog/instance.ts';
import { deleteKey, deleteTree, putKey } from './kind/kv/decide.ts';
import { refuseReserved, register } from './kind/catalog/register.ts';
import { Removal } from './kind/catalog/remove.ts';
import { deleteService, putService } from './kind/catalog/service.ts';
import { connectSession, createSession } from './kind/session/decide.ts';
import { transact } from './decide-txn.ts';
import { Draft } from './draft.ts';
import { deleteNamespace, demandNamespace, putNamespace } from './kind/namespace/decide.ts';
import { putQuery } from './kind/query/query.ts';
import { prune } from './prune.ts';
import { find, type Reader } from './reader.ts';
import { keys } from './rows.ts';
import type { Decided, Steps } from './steps.ts';

/**
 * Decides one command on top of what the draft holds, as far as the draft has room. On success its writes
 * are in the draft, on an error the draft is as before.
 *
 * @param now wall clock in milliseconds, for lock delays and for the times in instances
 * @throws RegistryError `not_found`, `failed_precondition`, `invalid_argument`, `already_exists`
 */
export function decide<C extends Command>(draft: Draft, command: C, now: number): Decided<Result<C>> {
  return draft.attempt(() => {
    const work = decideOn(draft, command, now);
    if (typeof work !== 'object' || !('next' in work)) return { answer: work };
    for (;;) {
      const step = work.next();
      if (step.done === true) return { answer: step.value };
      if (draft.fill.full) return { rest: step.value?.() ?? {} };
    }
  }) as Decided<Result<C>>;
}

/** Answers a transaction that only reads. */
export function readTransaction(reader: Reader, transaction: Txn, now: number): TxnResult {
  return transact(new Draft(reader), transaction, now, decide);
}

/** Commands that write in their namespace what was not there: it must exist. The others find nothing in one that does not. */
const writing: ReadonlySet<Command['kind']> = new Set(['register', 'service-put', 'kv-put', 'session-create', 'record-put', 'query-put']);

function decideOn(draft: Draft, command: Command, now: number): AnyResult | Steps<AnyResult> {
  if ('namespace' in command && writing.has(command.kind)) demandNamespace(draft, command.namespace);
  switch (command.kind) {
    case 'namespace-put':
      return putNamespace(draft, command);
    case 'namespace-delete':
      return deleteNamespace(draft, command, now);
    case 'register':
      return register(draft, command, now);
    case 'instance-status':
      return setStatus(draft, command, now);
    case 'service-put':
      return putService(draft, command);
    case 'service-delete':
      return deleteService(draft, command);
    case 'deregister-instance':
      return new Removal(draft, now).instance(command.namespace, command.node, command.id);
    case 'deregister-check':
      refuseReserved(command.id);
      return new Removal(draft, now).check(command.namespace, command.node, command.id);
    case 'deregister-node':
      return new Removal(draft, now).node(command);
    case 'update-checks':
      return updateChecks(draft, command, now);
    case 'kv-delete-tree':
      return deleteTree(draft, command);
    case 'session-destroy':
      return new Removal(draft, now).session(command.namespace, command.id);
    case 'session-connected':
      return connectSession(draft, command, now);
    case 'prune':
      return prune(draft, command, now);
    case 'kv-put':
      return putKey(draft, command, now);
    case 'kv-delete':
      return deleteKey(draft, command);
    case 'session-create':
      return createSession(draft, command);
    case 'record-put': {
      const { namespace, type, id, value, cas } = command;
      if (cas !== undefined && cas !== recordRevision(draft, command)) return false;
      draft.put({ kind: 'record', namespace, type, id, value, created: 0, modified: 0 });
      return true;
    }
    case 'record-delete':
      return draft.delete(keys.record(command.namespace, command.type, command.id));
    case 'query-put':
      return putQuery(draft, command);
    case 'txn':
      return transact(draft, command, now, decide);
  }
}

function recordRevision(reader: Reader, { namespace, type, id }: RecordPut): number {
  const row = find.record(reader, namespace, type, id);
  // A row written earlier in the same batch has no revision yet: nothing matches it.
  return row === undefined ? 0 : row.modified === 0 ? -1 : row.modified;
}
