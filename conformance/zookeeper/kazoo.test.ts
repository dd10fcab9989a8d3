/** Programs with kazoo print with Rollcall what they print with a real ZooKeeper, as `record.mjs` has written it down. */

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { writeCertificates } from './certificates.case.ts';
import { kazooProblem, recorded, runKazoo, type Transcripts } from './programs.mjs';
import { startRollcall, type RollcallServer } from './start.mjs';

const problem = kazooProblem();

describe('programs with kazoo', () => {
  let rollcall: RollcallServer;
  let seen: Transcripts = {};

  beforeAll(async () => {
    if (problem !== undefined) return;
    rollcall = await startRollcall({ args: ['--zookeeper-tick', '500'] });
    seen = await runKazoo(rollcall.address);
  });

  afterAll(() => rollcall?.stop());

  it.for(Object.keys(recorded('kazoo')))('%s', (name, { skip }) => {
    skip(problem !== undefined, problem);
    expect(seen[name]).toEqual(recorded('kazoo')[name]);
  });
});

it('programs with kazoo print the same over TLS, with a certificate of their own', async ({ skip }) => {
  skip(problem !== undefined, problem);
  const certificates = writeCertificates();
  onTestFinished(() => certificates.remove());
  const rollcall = await startRollcall({ args: ['--zookeeper-tick', '500', ...certificates.rollcallArgs], secure: true });
  onTestFinished(() => rollcall.stop());
  const names = ['nodes', 'locks'];
  const seen = await runKazoo(rollcall.address, names, certificates.client);
  expect(seen).toEqual(Object.fromEntries(names.map((name) => [name, recorded('kazoo')[name]])));
});
