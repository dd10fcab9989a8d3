/**
 * The rooms of the Consul front end, and which rooms each of them may import from. The table has no cycle, so a room can be
 * read after the rooms that it names. Files outside of the rooms (`frontend.ts`, `routes.ts`) may import every room; no room
 * imports them. What the front end as a whole may import: `import-table.ts`.
 */

import { importsOf } from './import-table.ts';
import type { SourceFile } from './source-files.ts';

const frontEnd = 'packages/server/src/frontend/consul/';

export interface Room {
  readonly may: readonly string[];
  readonly purpose: string;
}

export const rooms: Readonly<Record<string, Room>> = {
  wire: { may: [], purpose: 'Consul’s grammar: JSON, durations, parameters, headers, statuses, rules for values' },
  request: { may: ['wire'], purpose: 'what a route is given: who asks, for which agent, what the caller may see' },
  answer: { may: ['wire', 'request'], purpose: 'encodes answers, keeps them, and lets blocking queries wait' },
  catalog: { may: ['wire', 'request'], purpose: 'nodes, services and checks: reads, and writes by the catalog API' },
  agent: { may: ['wire', 'request', 'catalog'], purpose: 'the caller’s virtual agent: registrations, heartbeats, events' },
  kv: { may: ['wire', 'request'], purpose: 'keys' },
  session: { may: ['wire', 'request', 'agent'], purpose: 'sessions; creating one enrols the caller’s agent' },
  txn: { may: ['wire', 'request', 'catalog', 'kv'], purpose: 'transactions over keys, nodes, services and checks' },
  acl: { may: ['wire', 'request'], purpose: 'tokens, policies, roles, auth methods, logins' },
  namespace: { may: ['wire', 'request'], purpose: 'the namespaces themselves: create, read, change, remove' },
  query: { may: ['wire', 'request', 'catalog', 'acl'], purpose: 'prepared queries' },
  operator: { may: ['wire', 'request'], purpose: 'status and operator endpoints of a datacenter with one server' },
  mesh: { may: ['wire', 'request'], purpose: 'empty lists and refusals in place of a service mesh' },
  snapshot: { may: ['wire', 'request', 'catalog', 'kv', 'session', 'query'], purpose: 'snapshot archives' },
};

/** Imports between rooms that the table does not allow, one line each. */
export function checkRooms(files: readonly SourceFile[], table: Readonly<Record<string, Room>> = rooms): string[] {
  return edges(files).flatMap(({ from, to, path, target }) => {
    if (from === '' || from === to) return [];
    const room = table[from];
    if (room === undefined) return [`${path}: the table does not know the room ${from}; add it`];
    if (to === '') return [`${path} imports ${target}, but a room does not import the files that put the rooms together`];
    return room.may.includes(to) ? [] : [`${path} imports ${target}, but ${from} may import ${room.may.join(', ') || 'no room'} only`];
  });
}

/** Rooms that import each other, directly or through others, one line each. */
export function findRoomCycles(files: readonly SourceFile[]): string[] {
  const graph = new Map<string, Set<string>>();
  for (const { from, to } of edges(files)) {
    if (from === to || from === '' || to === '') continue;
    const known = graph.get(from);
    if (known === undefined) graph.set(from, new Set([to]));
    else known.add(to);
  }
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (room: string, trail: readonly string[]) => {
    const start = trail.indexOf(room);
    if (start >= 0) cycles.push([...trail.slice(start), room].join(' → '));
    if (start >= 0 || done.has(room)) return;
    for (const next of graph.get(room) ?? []) visit(next, [...trail, room]);
    done.add(room);
  };
  for (const room of graph.keys()) visit(room, []);
  return cycles;
}

/** Every import of one file of the front end by another; `from` and `to` are empty for files outside of the rooms. */
function edges(files: readonly SourceFile[]): { from: string; to: string; path: string; target: string }[] {
  return files
    .filter(({ path }) => path.startsWith(frontEnd))
    .flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => target.startsWith(frontEnd))
        .map(({ target }) => ({ from: roomOf(file.path), to: roomOf(target), path: file.path, target })),
    );
}

function roomOf(path: string): string {
  const [first = '', ...rest] = path.slice(frontEnd.length).split('/');
  return rest.length === 0 ? '' : first;
}
