/** The rooms of the Consul front end import what their table allows, and never each other in a ring. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkRooms, findRoomCycles, rooms } from './consul-rooms.ts';
import { productSources, root } from './source-files.ts';

const folder = 'packages/server/src/frontend/consul';
const file = (path: string, text: string) => ({ path: `${folder}/${path}`, text });

it('the sources import only the rooms that the table allows', () => {
  expect(checkRooms(productSources())).toEqual([]);
});

it('the rooms have no import cycle', () => {
  expect(findRoomCycles(productSources())).toEqual([]);
});

it('the table names the rooms that exist, and its README lists them', () => {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  expect(Object.keys(rooms).sort()).toEqual(folders.sort());
  const readme = readFileSync(join(root, folder, 'README.md'), 'utf8');
  const listed = [...readme.matchAll(/^\| `(\w+)\/` \| ([^|]+) \|/gm)].map(([, name, may]) => [name, may?.trim()]);
  expect(listed).toEqual(Object.entries(rooms).map(([name, { may }]) => [name, may.map((one) => `\`${one}/\``).join(', ') || 'none']));
});

it('reports a room that imports upward, a file outside of the rooms, or an unknown room', () => {
  expect(checkRooms([file('wire/json.ts', "import { kvJson } from '../kv/kv-json.ts';")])).toHaveLength(1);
  expect(checkRooms([file('kv/kv.ts', "import { routeTable } from '../routes.ts';")])).toHaveLength(1);
  expect(checkRooms([file('cellar/wine.ts', "import { kvJson } from '../kv/kv-json.ts';")])).toHaveLength(1);
  expect(checkRooms([file('routes.ts', "import { kvJson } from './kv/kv-json.ts';")])).toEqual([]);
});

it('reports rooms that import each other', () => {
  const ring = [
    file('kv/kv.ts', "import type { A } from '../txn/txn.ts';"),
    file('txn/txn.ts', "import { c } from '../session/session.ts';"),
    file('session/session.ts', "import { d } from '../kv/kv-json.ts';"),
  ];
  expect(findRoomCycles(ring)).toEqual(['kv → txn → session → kv']);
});
