/** The zones of front ends in the table of imports. The first one that matches counts, so those with parts of their own come first. */

import type { Zone } from './import-table.ts';

const server = 'packages/server/src';

/** As in the table of imports: plain data and ports that every part of the server may name. */
const serverPorts = ['@rollcall/protocol', `${server}/clock.ts`, `${server}/in-turns.ts`, `${server}/options.ts`];

export const frontendZones: readonly Zone[] = [
  {
    name: 'front end of nodes',
    files: /^packages\/server\/src\/frontend\/(?<own>peer)\//,
    may: [
      ...['OWN', `${server}/cluster/channel/`, `${server}/net/`, `${server}/telemetry/`],
      ...[`${server}/security/`, ...serverPorts, 'node:', 'pino', 'ws'],
    ],
    reason: 'it lets other nodes in and gives their connections to the channel; it sees neither engine nor registry',
  },
  {
    name: "Nacos' gRPC",
    files: /^packages\/server\/src\/frontend\/nacos\/(?<own>grpc)\//,
    may: [
      ...[`${server}/frontend/nacos/`, `${server}/registry/`, `${server}/configurations/`, `${server}/clients/`, `${server}/net/`, `${server}/telemetry/`, `${server}/security/`],
      ...[`${server}/health/connection/`, `${server}/health/wheel.ts`, ...serverPorts, 'node:', 'protobufjs'],
    ],
    reason: 'it is the part of the front end of Nacos that encodes messages of gRPC',
  },
  {
    name: 'front ends over gRPC',
    files: /^packages\/server\/src\/frontend\/(?<own>xds|flagd)\//,
    may: ['OWN', `${server}/registry/`, `${server}/clients/`, `${server}/net/`, `${server}/telemetry/`, `${server}/security/`, `${server}/health/wheel.ts`, ...serverPorts, 'node:', 'protobufjs'],
    reason: 'it is a front end that encodes messages of gRPC; calls reach it through the shared listener',
  },
  {
    name: 'replication with Eureka servers',
    files: /^packages\/server\/src\/frontend\/eureka\/(?<own>peers)\//,
    may: [
      ...[`${server}/frontend/eureka/`, `${server}/registry/`, `${server}/net/`],
      ...[`${server}/health/health.ts`, `${server}/health/wheel.ts`, `${server}/health/ownership.ts`, `${server}/outbound/address-policy.ts`, ...serverPorts, 'node:'],
    ],
    reason: 'it is the part of the front end of Eureka that connects to other servers, for the instances whose deadlines this node watches',
  },
  {
    name: 'front end of ZooKeeper',
    files: /^packages\/server\/src\/frontend\/(?<own>zookeeper)\//,
    may: [
      ...['OWN', `${server}/jute/`, `${server}/registry/`, `${server}/clients/`, `${server}/net/`, `${server}/telemetry/`, `${server}/security/`],
      ...[`${server}/health/connection/`, `${server}/health/health.ts`, `${server}/health/wheel.ts`, ...serverPorts, 'node:', 'pino'],
    ],
    reason: 'it is a front end, and the only one that speaks in packets of jute',
  },
  {
    name: 'front end of webhooks',
    files: /^packages\/server\/src\/frontend\/(?<own>webhooks)\//,
    may: ['OWN', `${server}/registry/`, `${server}/net/`, `${server}/webhooks/`, '@rollcall/protocol', 'node:'],
    reason: 'it shows and tests what `webhooks/` sends',
  },
  {
    name: 'front end of agents',
    files: /^packages\/server\/src\/frontend\/(?<own>agents)\//,
    may: [
      ...['OWN', `${server}/registry/`, `${server}/net/`, `${server}/security/`, `${server}/health/wheel.ts`],
      ...[`${server}/outbound/http-request.ts`, ...serverPorts, 'node:', 'lru-cache'],
    ],
    reason: 'it fetches the cards of agents from the agents, and reads everything else in the registry',
  },
  {
    name: 'front end',
    files: /^packages\/server\/src\/frontend\/(?<own>[^/]+)\//,
    may: [
      ...['OWN', `${server}/registry/`, `${server}/configurations/`, `${server}/clients/`, `${server}/locks/`, `${server}/history/`, `${server}/net/`, `${server}/telemetry/`],
      ...[`${server}/health/connection/`, `${server}/health/health.ts`, `${server}/health/wheel.ts`],
      ...[`${server}/security/`, `${server}/filter/`, ...serverPorts, 'node:', 'pino', 'ws', 'lru-cache'],
    ],
    reason:
      'a front end translates one protocol: it works over every engine, beside or without every other front end',
  },
];
