/** The part of the import table about rooms: what each may use of the others. */

import type { Zone } from './import-table.ts';

const server = 'packages/server/src';
const registry = `${server}/registry`;

/** What others may use of a room without its decisions: its face (decision record 0057). */
const faceFiles = ['rows', 'keys', 'find', 'views', 'commands'];

interface RoomUses {
  /** Rooms whose faces its own face may use. */
  readonly face?: readonly string[];
  /** Rooms whose faces the rest of it may use, besides those. */
  readonly faces?: readonly string[];
  /** Rooms that the rest of it may use whole. */
  readonly rooms?: readonly string[];
}

/** Neither rooms nor faces may use each other in a ring. A room that is not here uses none. */
const roomUses: Readonly<Record<string, RoomUses>> = {
  catalog: { face: ['session'], faces: ['namespace', 'member'] },
  session: { faces: ['member'], rooms: ['catalog'] },
  kv: { faces: ['session', 'config'] },
  lock: { faces: ['session'] },
  query: { faces: ['session'], rooms: ['catalog'] },
  coordinate: { face: ['catalog'] },
  config: { rooms: ['catalog'] },
  znode: { face: ['session'], rooms: ['catalog'] },
};

export const roomZones: readonly Zone[] = [...Object.keys(roomUses), '[^/]+'].flatMap((room) => {
  const { face = [], faces = [], rooms = [] } = roomUses[room] ?? {};
  const shared = [`${registry}/*`, '@rollcall/protocol'];
  const facesOf = (used: readonly string[]) => used.flatMap((each) => faceFiles.map((file) => `${registry}/kind/${each}/${file}.ts`));
  return [
    {
      name: 'face of a room',
      files: new RegExp(`^${registry}/kind/${room}/(?=(?:${faceFiles.join('|')})\\.ts$)`),
      may: [...shared, ...faceFiles.map((file) => `OWN/${file}.ts`), ...facesOf(face)],
      reason: 'what others use of a room knows the shared parts, and only the faces below it (decision record 0057)',
    },
    {
      name: 'room',
      files: new RegExp(`^${registry}/kind/${room}/`),
      may: [
        ...['OWN', ...shared, ...facesOf([...face, ...faces]), ...rooms.map((used) => `${registry}/kind/${used}/`)],
        // Templates of queries have patterns, and rules of rollouts are expressions; both are pure.
        ...(room === 'query' ? [`${server}/filter/pattern.ts`] : []),
        ...(room === 'config' ? [`${server}/filter/filter.ts`, `${server}/filter/shape.ts`] : []),
      ],
      reason: 'a room is pure, and uses the shared parts and only the rooms below it (decision record 0057)',
    },
  ];
});
