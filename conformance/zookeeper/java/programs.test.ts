/**
 * The programs with kazoo and Curator print the same with a real ZooKeeper and with Rollcall: what `transcripts/` holds, with which
 * `npm test` compares. If the real one differs, `node conformance/zookeeper/record.mjs` writes them again.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeCertificates } from '../certificates.case.ts';
import { curatorProblem, kazooProblem, recorded, runCurator, runKazoo, type Transcripts } from '../programs.mjs';
import { startRealZooKeeper, startRollcall, zooKeeperProblem, type ZooKeeperServer } from '../start.mjs';

const problem = zooKeeperProblem() ?? curatorProblem() ?? kazooProblem();
it('the server and the programs are there', () => expect(problem).toBeUndefined());

describe.runIf(problem === undefined).each([
  { library: 'kazoo', run: runKazoo },
  { library: 'curator', run: runCurator },
] as const)('programs with $library', ({ library, run }) => {
  const servers: ZooKeeperServer[] = [];
  let real: Transcripts;
  let own: Transcripts;

  beforeAll(async () => {
    servers.push(await startRealZooKeeper({ tickMs: 500 }), await startRollcall({ args: ['--zookeeper-tick', '500'] }));
    [real = {}, own = {}] = await Promise.all(servers.map(({ address }) => run(address)));
  }, 600_000);

  afterAll(async () => {
    for (const server of servers) await server.stop();
  });

  it.each(Object.keys(recorded(library)))('%s', (name) => {
    expect(real[name]).toEqual(recorded(library)[name]);
    expect(own[name]).toEqual(real[name]);
  });
});

/** Those that cut connections, wait for large and for many packets, and are told by watches. */
const securePrograms = ['plain-client', 'nodes', 'transactions', 'persistent-watches', 'reconnect', 'caches', 'mutex', 'discovery'];

describe.runIf(problem === undefined)('programs with ZooKeeper\'s client and Curator over TLS by Netty, with a certificate of their own', () => {
  const certificates = writeCertificates();
  const servers: ZooKeeperServer[] = [];
  let real: Transcripts;
  let own: Transcripts;

  beforeAll(async () => {
    const zookeeper = await startRealZooKeeper({ tickMs: 500, tls: certificates.zookeeper });
    servers.push(zookeeper);
    const rollcall = await startRollcall({ args: ['--zookeeper-tick', '500', ...certificates.rollcallArgs], secure: true });
    servers.push(rollcall);
    [real = {}, own = {}] = await Promise.all([`127.0.0.1:${zookeeper.securePort}`, rollcall.address].map((address) => runCurator(address, securePrograms, certificates.client)));
  }, 600_000);

  afterAll(async () => {
    for (const server of servers) await server.stop();
    certificates.remove();
  });

  it.each(securePrograms)('%s', (name) => {
    expect(real[name]).toBeDefined();
    expect(own[name]).toEqual(real[name]);
  });
});
