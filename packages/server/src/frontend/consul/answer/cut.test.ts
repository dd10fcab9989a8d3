/** Heartbeats that stop, from HTTP to the registry, with the clock driven: whose they were decides whether that is a cut. */

import { expect, test } from 'vitest';
import { manualClock } from '../../../manual-clock.case.ts';
import { Consul } from '../consul.case.ts';

const management = 'f0e2a3a0-0000-4000-8000-000000000001';
const asManager = { headers: { 'x-consul-token': management } };

test.each([
  ['12 nodes and services of one token expire', 1, false],
  ['12 nodes and services of 12 tokens are held, and status names the tokens', 12, true],
])('%s', async (_what, tokens, frozen) => {
  const clock = manualClock();
  await using consul = await Consul.start({ clock, acl: { initialManagement: management } });
  const pass = async (ms: number) => {
    for (let gone = 0; gone < ms; gone += 100) {
      clock.advance(100);
      for (let turn = 0; turn < 8; turn++) await new Promise((next) => setImmediate(next));
    }
  };
  const tokenOf: { secret: string; principal: string }[] = [];
  for (let at = 0; at < tokens + 2; at++) {
    await consul.put('/v1/acl/policy', { Name: `p${at}`, Rules: 'service_prefix "" { policy = "write" }' }, asManager);
    const made = await consul.put('/v1/acl/token', { Policies: [{ Name: `p${at}` }] }, asManager);
    const { SecretID, AccessorID } = made.json<{ SecretID: string; AccessorID: string }>();
    tokenOf.push({ secret: SecretID, principal: `token ${AccessorID}` });
  }
  const ask = (node: string, at: number) => ({ headers: { 'x-consul-token': tokenOf[at]!.secret, 'x-rollcall-node': node } });
  const register = (node: string, TTL: string, at: number) =>
    consul.put('/v1/agent/service/register', { Name: `of-${node}`, Check: { TTL, Status: 'passing' } }, ask(node, at));
  // Two that live, each with a separate token.
  for (const at of [0, 1]) await register(`alive${at}`, '600s', tokens + at);
  for (let at = 0; at < 12; at++) {
    await register(`x${at}`, '10s', at % tokens);
    // Half of them are known by a heartbeat, the others by their registration.
    if (at % 2 === 0) await consul.put(`/v1/agent/check/pass/service:of-x${at}`, undefined, ask(`x${at}`, at % tokens));
  }
  await pass(11_500);
  const critical = (await consul.get('/v1/health/state/critical', asManager)).json<unknown[]>();
  expect(critical).toHaveLength(frozen ? 0 : 12);
  const status = await consul.get('/rollcall/v1/status', { headers: { authorization: `Bearer ${management}` } });
  const { liveness } = status.json<{ liveness: { frozen: boolean; causes?: { principals: { name: string }[] } } }>();
  expect(liveness.frozen).toBe(frozen);
  const names = liveness.causes?.principals.map(({ name }) => name) ?? [];
  expect(names).toHaveLength(frozen ? 5 : 0);
  expect(tokenOf.slice(0, 12).map(({ principal }) => principal)).toEqual(expect.arrayContaining(names));
});
