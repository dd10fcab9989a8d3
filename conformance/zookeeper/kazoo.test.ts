/** Programs with kazoo print with Rollcall what they print with a real ZooKeeper, as `record.mjs` has written it down. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { TestAuthority } from '../../packages/server/src/net/certificates.case.ts';
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
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-kazoo-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const authority = new TestAuthority();
  const [own, client] = [authority.issue(), authority.issue({ commonName: 'kazoo' })];
  const ca = file('ca.pem', authority.cert);
  const secure = ['--tls-cert-file', file('cert.pem', own.cert), '--tls-key-file', file('key.pem', own.key), '--tls-ca-file', ca, '--tls-verify-incoming'];
  const rollcall = await startRollcall({ args: ['--zookeeper-tick', '500', ...secure], secure: true });
  onTestFinished(() => rollcall.stop());
  const names = ['nodes', 'locks'];
  const seen = await runKazoo(rollcall.address, names, { ca, cert: file('client.pem', client.cert), key: file('client-key.pem', client.key) });
  expect(seen).toEqual(Object.fromEntries(names.map((name) => [name, recorded('kazoo')[name]])));
});
