/** After any writes in any order, in two namespaces, a running `Acl` gives the same answers as one that starts now. */

import fc from 'fast-check';
import { isRegistryError } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import { Acl } from './acl.ts';
import { secured, type Secured } from './security.case.ts';

type Where = 'default' | 'team-a';

type Step =
  | { readonly kind: 'policy'; readonly where: Where; readonly name: string; readonly level: string }
  | { readonly kind: 'role'; readonly where: Where; readonly name: string; readonly policies: readonly string[] }
  | { readonly kind: 'token'; readonly where: Where; readonly policies: readonly string[]; readonly roles: readonly string[]; readonly ttlMs: number }
  | { readonly kind: 'defaults'; readonly policies: readonly string[]; readonly roles: readonly string[] }
  | { readonly kind: 'drop'; readonly where: Where; readonly what: 'policy' | 'role' | 'token'; readonly index: number }
  | { readonly kind: 'namespace'; readonly change: 'put' | 'delete' }
  | { readonly kind: 'wait'; readonly ms: number };

const name = fc.constantFrom('a', 'b', 'c');
const names = fc.uniqueArray(name, { maxLength: 2 });
const where = fc.constantFrom<Where>('default', 'team-a');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('policy' as const), where, name, level: fc.constantFrom('read', 'write', 'deny') }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('role' as const), where, name, policies: names }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('token' as const), where, policies: names, roles: names, ttlMs: fc.constantFrom(0, 60_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('defaults' as const), policies: names, roles: names }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('drop' as const), where, what: fc.constantFrom('policy', 'role', 'token'), index: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('namespace' as const), change: fc.constantFrom('put', 'delete') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 30_000) }) },
);

/** Records to change: in an empty registry most steps would be refused. */
const first: readonly Step[] = [
  { kind: 'namespace', change: 'put' },
  ...(['default', 'team-a'] as const).flatMap((there): Step[] => [
    { kind: 'policy', where: there, name: 'a', level: 'write' },
    { kind: 'policy', where: there, name: 'b', level: 'read' },
    { kind: 'role', where: there, name: 'a', policies: ['b'] },
    { kind: 'token', where: there, policies: ['a'], roles: [], ttlMs: 0 },
    { kind: 'token', where: there, policies: [], roles: ['a'], ttlMs: 60_000 },
    { kind: 'token', where: there, policies: ['a', 'b'], roles: ['a'], ttlMs: 0 },
  ]),
  { kind: 'defaults', policies: ['b'], roles: [] },
];

async function take({ admin, acl, clock, replica }: Secured, secrets: string[], taken: Step): Promise<void> {
  const links = (list: readonly string[]) => list.map((one) => ({ name: one }));
  switch (taken.kind) {
    case 'policy': {
      const id = acl.store.policyByName(taken.where, taken.name)?.id;
      const rules = `service "${taken.name}" { policy = "${taken.level}" } service_prefix "" { policy = "read" }${taken.where === 'default' ? ` namespace_prefix "" { service "d" { policy = "${taken.level}" } }` : ''}`;
      await admin.putPolicy(taken.where, { name: taken.name, rules, ...(id !== undefined && { id }) });
      return;
    }
    case 'role': {
      const id = acl.store.roleByName(taken.where, taken.name)?.id;
      await admin.putRole(taken.where, { name: taken.name, policies: links(taken.policies), ...(id !== undefined && { id }) });
      return;
    }
    case 'token': {
      const { policies, roles, ttlMs } = taken;
      secrets.push((await admin.createToken(taken.where, { policies: links(policies), roles: links(roles), ttlMs })).secret);
      return;
    }
    case 'drop':
      if (taken.what === 'policy') await admin.deletePolicy(taken.where, acl.store.policies(taken.where)[taken.index]?.id ?? '');
      else if (taken.what === 'role') await admin.deleteRole(taken.where, acl.store.roles(taken.where)[taken.index]?.id ?? '');
      else await admin.deleteToken(taken.where, acl.store.tokens(taken.where)[taken.index]?.accessorId ?? '');
      return;
    case 'defaults':
      await admin.putNamespaceDefaults('team-a', { policies: links(taken.policies), roles: links(taken.roles) });
      return;
    case 'namespace':
      if (taken.change === 'put') await replica.submit({ kind: 'namespace-put', name: 'team-a' });
      else await replica.submit({ kind: 'namespace-delete', name: 'team-a' });
      return;
    case 'wait':
      clock.advance(taken.ms);
  }
}

/** The permissions of each secret, as text. */
function answers(acl: Acl, secrets: readonly string[]): string[] {
  return secrets.map((secret) => {
    try {
      const { authorizer } = acl.resolve(secret);
      const may = (there: string, service: string) => (['read', 'write'] as const).filter((verb) => authorizer.allows(there, 'service', verb, service));
      return ['default', 'team-a'].map((there) => ['a', 'b', 'c', 'd'].map((service) => may(there, service).join()).join('|')).join(' / ');
    } catch (error) {
      return isRegistryError(error) ? error.message : String(error);
    }
  });
}

it('follows the registry and calls the listener of each caller whose permissions change', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const all = await secured();
      const secrets: string[] = [];
      for (const taken of [...first, ...steps]) {
        const before = answers(all.acl, secrets);
        const told = new Set<string>();
        const stops = secrets.flatMap((secret) => {
          try {
            return [all.acl.onChange(all.acl.resolve(secret), () => told.add(secret))];
          } catch {
            return [];
          }
        });
        await take(all, secrets, taken).catch((error: unknown) => {
          // Links to deleted records, and deletions of missing ones, are refused.
          expect(isRegistryError(error)).toBe(true);
        });
        const fresh = new Acl({
          registry: all.replica,
          clock: all.clock,
          config: { enabled: true, defaultPolicy: 'deny', datacenter: 'dc1' },
        });
        fresh.start();
        const after = answers(all.acl, secrets);
        expect(after).toEqual(answers(fresh, secrets));
        before.forEach((answer, index) => {
          if (answer !== after[index]) expect(told).toContain(secrets[index]);
        });
        fresh.close();
        for (const stop of stops) stop();
      }
      await all.close();
    }),
    { numRuns: 100 },
  );
});
