/**
 * The DNS front end: makes its parts and opens and closes its sockets, UDP and TCP on one port. `responder.ts` decides what
 * is answered. An answer goes to the address that the query came from, at once; for other domains, which recursors
 * answer, within some seconds.
 */

import type { RemoteInfo } from 'node:dgram';
import type { Socket as TcpSocket } from 'node:net';
import { RegistryError } from '@rollcall/protocol';
import type { Context, Frontend, Listener } from '../../net/frontend.ts';
import type { ListenAddress } from '../../net/listen-address.ts';
import { NameAccess } from './access.ts';
import { hostName, lowerCase } from './host-name.ts';
import { bytesPerQuery, plainUdpBytes, udpBytesDefault, udpBytesHighest, udpRecordsDefault } from './limits.ts';
import { refuse } from './message.ts';
import { headerBytes } from './query-reader.ts';
import { randomFrom } from './random.ts';
import { RateLimit, groupOf } from './rate-limit.ts';
import { rcodes } from './records.ts';
import { Recursors, parseServer } from './recursors.ts';
import { Responder } from './responder.ts';
import { closeTcp, openSockets, type Sockets } from './sockets.ts';
import { TcpConnections } from './tcp.ts';
import { ttlsOf, type TtlOptions } from './ttls.ts';
import type { Zone } from './zone.ts';

export interface DnsOptions {
  /** The domain at the end of all names; `consul` by default. */
  readonly domain?: string;
  readonly ttls?: TtlOptions;
  /** Whether to leave out instances whose status is warning, too; false by default. */
  readonly onlyPassing?: boolean;
  /** Whether to set TC when an answer has only some of the instances, so that the client asks again over TCP; false by default. */
  readonly truncate?: boolean;
  /**
   * Most bytes of an answer over UDP, for clients that announce as many (EDNS): 512 to 65,467, 1,232 by default.
   * Clients on other machines get 1,232 at most.
   */
  readonly udpBytesMax?: number;
  /** Most instances in an answer over UDP without EDNS; 1 or more, 3 by default. */
  readonly udpRecordsMax?: number;
  /** Queries that one address may send in a second; 5,000 by default. Addresses of this machine are not limited. */
  readonly queriesPerSecond?: number;
  /** Servers that are asked about other domains, as `10.0.0.53` or `10.0.0.53:53`; none by default. */
  readonly recursors?: readonly string[];
}

/** The programs of one machine seldom send more through one resolver. A resolver for a thousand machines needs a higher limit. */
const queriesPerSecondDefault = 5_000;

/** Questions about addresses that may wait for the index of addresses, which takes some 0.2 s for 100,000 instances. */
const waitingMax = 1_024;

type Answering = Buffer | Promise<Buffer | undefined> | undefined;

/** When the server closes, connections that have not taken their answers are cut after this time. */
const closeGraceMs = 1_000;

/** @throws RegistryError `invalid_argument` when an option is out of range, or domain and datacenter do not make a DNS name */
export function dns(context: Context, options: DnsOptions = {}): Frontend {
  const { registry, clock, wheel, log, metrics, security, uuid } = context;
  const recursors = new Recursors({ servers: (options.recursors ?? []).map(parseServer), wheel, uuid });
  const responder = new Responder({
    registry,
    clock,
    zone: zoneOf(context, options),
    limits: {
      udpBytesMax: within('udpBytesMax', options.udpBytesMax ?? udpBytesDefault, plainUdpBytes, udpBytesHighest),
      udpRecordsMax: within('udpRecordsMax', options.udpRecordsMax ?? udpRecordsDefault, 1, Infinity),
    },
    tellWhenCut: options.truncate ?? false,
    recursion: recursors.configured,
    random: randomFrom(uuid()),
    access: new NameAccess(security.acl),
  });
  const perSecond = options.queriesPerSecond ?? queriesPerSecondDefault;
  const rateLimit = new RateLimit(clock, within('queriesPerSecond', perSecond, 1, Infinity));
  const counts = { ignored: 0, limited: 0 };
  let sockets: Sockets | undefined;

  /** @returns the answer, now or later; undefined to send none */
  const answer = (query: Buffer, overUdp: boolean, address: string): Answering => {
    try {
      const response = responder.respond(query, overUdp, { address, ednsMax: groupOf(address) === undefined ? Infinity : udpBytesDefault });
      if (response === 'ask-elsewhere') return elsewhere(query, overUdp);
      if (response === 'needs-addresses') return withAddresses(query, overUdp, address);
      if (response !== 'silence') return response;
      counts.ignored++;
      return undefined;
    } catch (error) {
      // No packet may end the process.
      log.error({ err: error, query: query.toString('hex') }, 'a DNS query failed');
      return query.length < headerBytes ? undefined : refuse(query, rcodes.SERVFAIL, !overUdp);
    }
  };
  const elsewhere = async (query: Buffer, overUdp: boolean): Promise<Buffer> => {
    const found = await recursors.ask(query, overUdp).catch((err: unknown) => {
      log.warn({ err }, 'a recursor could not be asked');
      return undefined;
    });
    if (found === undefined) return responder.fail(query, overUdp);
    return overUdp ? found : framed(found);
  };

  let waiting = 0;
  const withAddresses = (query: Buffer, overUdp: boolean, address: string): Answering => {
    if (waiting >= waitingMax) return responder.fail(query, overUdp);
    waiting++;
    return responder.prepareAddresses().then(() => {
      waiting--;
      return answer(query, overUdp, address);
    });
  };

  const onPacket = (query: Buffer, { address, port }: RemoteInfo): void => {
    // A packet cannot be sent to port 0.
    if (port === 0) return;
    if (!rateLimit.admits(address)) {
      counts.limited++;
      return;
    }
    const response = answer(query, true, address);
    if (response instanceof Promise) {
      void response.then((later) => {
        if (later !== undefined) send(later, port, address);
      });
    }
    else if (response !== undefined) send(response, port, address);
  };
  /** Long answers count as several queries, so that a client with a forged address cannot multiply its traffic. */
  const send = (response: Buffer, port: number, address: string): void => {
    if (response.length > bytesPerQuery) rateLimit.charge(address, Math.ceil(response.length / bytesPerQuery) - 1);
    sockets?.udp.send(response, port, address);
  };

  const connections = new TcpConnections(wheel, (query, address) => {
    if (rateLimit.admits(address)) return answer(query, false, address);
    counts.limited++;
    return 'cut';
  });
  const exposed: readonly [name: string, help: string, read: () => number][] = [
    ['queries', 'DNS queries answered', () => responder.answered.reduce((sum, count) => sum + count, 0)],
    ['name_errors', 'DNS queries for names that do not exist', () => responder.answered[rcodes.NXDOMAIN] ?? 0],
    ['encodings', 'DNS records and answers encoded; the others were sent from memory', () => responder.encodings],
    ['ignored', 'DNS packets that could not be answered', () => counts.ignored],
    ['limited', 'DNS queries dropped because their address sent too many', () => counts.limited],
  ];
  for (const [name, help, read] of exposed) metrics.observeTotal(`rollcall_dns_${name}_total`, help, read);
  metrics.observe('rollcall_dns_connections', 'Open DNS connections over TCP', () => connections.size);
  metrics.observe('rollcall_dns_kept_bytes', 'Memory that encoded DNS answers take, about', () => responder.keptBytes);

  const listen = async ({ at }: ListenAddress): Promise<Listener> => {
    if (!('host' in at)) throw new RegistryError('invalid_argument', `DNS needs a host and a port, not the Unix socket ${at.path}`);
    const onConnection = (socket: TcpSocket) => connections.accept(socket);
    const opened = await openSockets({ ...at, onPacket, onConnection });
    const { udp, tcp, port } = (sockets = opened);
    for (const each of [udp, tcp]) each.on('error', (err) => log.warn({ err }, 'a DNS socket reports an error'));
    return {
      port,
      async close(answerWaiting) {
        const closed = closeTcp(tcp);
        const cancel = clock.timer(closeGraceMs, () => connections.destroy());
        await answerWaiting();
        sockets = undefined;
        await Promise.all([new Promise<void>((done) => udp.close(() => done())), closed]);
        cancel();
      },
    };
  };

  return {
    name: 'dns',
    start: () => responder.prepare(),
    listen,
    close() {
      recursors.close();
      connections.close();
      responder.close();
      return Promise.resolve();
    },
  };
}

function zoneOf({ identity }: Context, options: DnsOptions): Zone {
  const domain = hostName(lowerCase(options.domain ?? 'consul'));
  const { datacenter, nodeName, address } = identity;
  // Every SRV target ends in datacenter and domain; the label before them has up to 63 bytes.
  const ending = `addr.${datacenter}.${domain ?? ''}`;
  if (domain === undefined || hostName(ending) === undefined || ending.length > 128) {
    throw new RegistryError(
      'invalid_argument',
      `domain ${JSON.stringify(options.domain)} and datacenter ${JSON.stringify(datacenter)} cannot be part of names: ` +
        'use letters, digits, dashes and underscores, at most 63 between dots and 120 in all',
    );
  }
  return {
    domain,
    datacenter,
    node: { name: nodeName, address },
    ttls: ttlsOf(options.ttls ?? {}),
    onlyPassing: options.onlyPassing ?? false,
  };
}

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  const range = max === Infinity ? `${min} or more` : `from ${min} to ${max}`;
  throw new RegistryError('invalid_argument', `${name} is ${value}, it must be ${range}`);
}

function framed(answer: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(answer.length);
  return Buffer.concat([length, answer]);
}
