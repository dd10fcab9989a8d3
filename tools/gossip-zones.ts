/**
 * The import rules inside `packages/gossip`: a pure core, and the bytes and sockets around it.
 *
 *     group.ts and beside it       joins the parts to a member of a group
 *     transport/ ── bootstrap/     sockets; where the first members are found
 *     wire/                        bytes of messages, keys
 *     membership/ ── rows/         who is in the group; what its members registered: no I/O, no clock
 *     messages, clock              shared words
 */

import type { Zone } from './import-table.ts';

const gossip = 'packages/gossip/src';
const words = [`${gossip}/messages.ts`, `${gossip}/clock.ts`, '@rollcall/protocol'];

export const gossipZones: readonly Zone[] = [
  {
    name: 'gossip: state machines',
    files: /^packages\/gossip\/src\/(?:membership|rows)\//,
    may: ['OWN', ...words],
    reason: 'who is in the group and what it has are pure functions of messages and time, so that a simulator can run them',
  },
  {
    name: 'gossip: wire',
    files: /^packages\/gossip\/src\/wire\//,
    may: ['OWN', ...words, 'node:'],
    reason: 'bytes of messages know nothing of what the messages are for',
  },
  {
    name: 'gossip: transport',
    files: /^packages\/gossip\/src\/transport\//,
    may: ['OWN', ...words, 'node:'],
    reason: 'sockets carry bytes, and know neither keys nor messages',
  },
  {
    name: 'gossip: bootstrap',
    files: /^packages\/gossip\/src\/bootstrap\//,
    may: ['OWN', ...words, 'node:', 'bonjour-service'],
    reason: 'it finds addresses; the group decides what to do with them',
  },
  {
    name: 'gossip',
    files: /^packages\/gossip\//,
    may: [`${gossip}/`, '@rollcall/protocol', 'node:'],
    reason: 'a program that installs it gets no other package with it',
  },
];
