/** The configurations of the environments that are open in the tree, asked for together: one request a second, however many are open. */

import { createMemo, mapArray, type Accessor } from 'solid-js';
import type { ListedConfig } from '@rollcall/protocol';
import { polled } from '../../live/polled.ts';
import type { LiveViews } from '../../live/views.ts';
import { root } from './data.ts';

export interface Lists {
  /** Of an environment; those that have come stay while others are opened. */
  readonly rows: (environment: string) => readonly ListedConfig[];
  readonly errors: Accessor<readonly string[]>;
}

type ByEnvironment = ReadonlyMap<string, readonly ListedConfig[]>;

/** Environments that the server lists in one answer. */
const perRequestMax = 100;

export function watchLists(live: LiveViews, open: Accessor<readonly string[]>): Lists {
  const queries = createMemo(() => queriesOf(open()), [], { equals: (a, b) => a.join('\n') === b.join('\n') });
  const states = mapArray(queries, (query) => ({ query, state: polled<readonly ListedConfig[]>(`${root}/list?${query}`, {}, live.isPaused) }));
  const byEnvironment = createMemo((before: ByEnvironment): ByEnvironment => {
    const next = new Map<string, readonly ListedConfig[]>();
    for (const { query, state } of states()) {
      const { content } = state();
      const groups = content === undefined ? before : byEnvironmentOf(content);
      for (const environment of new URLSearchParams(query).getAll('environment')) next.set(environment, groups.get(environment) ?? []);
    }
    return next;
  }, new Map());
  return { rows: (environment) => byEnvironment().get(environment) ?? [], errors: () => states().flatMap(({ state }) => state().error ?? []) };
}

function byEnvironmentOf(rows: readonly ListedConfig[]): ByEnvironment {
  const groups = new Map<string, ListedConfig[]>();
  for (const row of rows) {
    const group = groups.get(row.environment);
    if (group === undefined) groups.set(row.environment, [row]);
    else group.push(row);
  }
  return groups;
}

function queriesOf(environments: readonly string[]): readonly string[] {
  const queries: string[] = [];
  for (let from = 0; from < environments.length; from += perRequestMax) {
    queries.push(String(new URLSearchParams(environments.slice(from, from + perRequestMax).map((environment) => ['environment', environment]))));
  }
  return queries;
}
