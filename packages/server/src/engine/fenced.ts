/**
 * An engine to which nothing is committed any more once a certain record is in the store. A replica that has not seen the record yet
 * is refused like one that has. It costs a condition in each transaction.
 */

import type { RegistryError } from '@rollcall/protocol';
import type { Engine } from './engine.ts';

/**
 * @param engine an exclusive one is returned as it is: only this process writes to it
 * @param key of the record
 * @param closed the error of a commit that came after the record: nothing was written
 */
export function fenced(engine: Engine, key: string, closed: () => RegistryError): Engine {
  if (engine.exclusive) return engine;
  return {
    name: engine.name,
    limits: { ...engine.limits, operations: engine.limits.operations - 1 },
    exclusive: false,
    ...(engine.presence === undefined ? {} : { presence: engine.presence }),
    async commit(transaction) {
      // It is the first condition, so that its failure is reported before any other.
      const result = await engine.commit({ ...transaction, expect: [{ key, revision: 0 }, ...transaction.expect] });
      if (!result.ok && result.key === key) throw closed();
      return result;
    },
    changes: (options) => engine.changes(options),
    barrier: () => engine.barrier(),
    close: () => engine.close(),
  };
}
