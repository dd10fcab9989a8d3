/** Access control for measurements: a server with many policies, and a token that has them all. */

import { randomUUID } from 'node:crypto';
import { call, startRollcall } from './rollcall.mjs';

/**
 * A server with access control and ten instances of `web`.
 * @returns the server, and a token with so many policies, of which the last one lets it read `web`
 */
export async function startWithPolicies(count) {
  const management = randomUUID();
  const server = await startRollcall(undefined, undefined, { managementToken: management });
  await registerWeb(server, management);
  const policies = [];
  for (let n = 1; n < count; n++) {
    const rules = `service_prefix "team-${n}-" { policy = "write" } key_prefix "team-${n}/" { policy = "write" } node "host-${n}" { policy = "read" }`;
    policies.push({ Name: `team-${n}`, Rules: rules });
  }
  policies.push({ Name: 'web', Rules: 'service_prefix "web" { policy = "read" } node_prefix "" { policy = "read" }' });
  for (const policy of policies) await call(server.url, '/v1/acl/policy', 'PUT', policy, management);
  const { text } = await call(server.url, '/v1/acl/token', 'PUT', { Policies: policies.map(({ Name }) => ({ Name })) }, management);
  return { server, token: JSON.parse(text).SecretID };
}

export async function registerWeb({ url }, token) {
  for (let n = 0; n < 10; n++) {
    const body = { ID: `web-${n}`, Name: 'web', Address: `10.0.0.${n}`, Port: 8080, Tags: ['v1', 'primary'] };
    await call(url, '/v1/agent/service/register', 'PUT', body, token);
  }
}
