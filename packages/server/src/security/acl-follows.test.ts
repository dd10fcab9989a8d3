/** After any writes in any order, the cached rights answer as those of a server that starts now. */

import fc from 'fast-check';
import { isRegistryError } from '@rollcall/protocol';
import { expect, it } from 'vitest';
import { Acl } from './acl.ts';
import { secured, type Secured } from './security.case.ts';

type Step =
  | { readonly kind: 'policy'; readonly name: string; readonly level: string }
  | { readonly kind: 'role'; readonly name: string; readonly policies: readonly string[] }
  | { readonly kind: 'token'; readonly policies: readonly string[]; readonly roles: readonly string[]; readonly ttlMs: number }
  | { readonly kind: 'drop'; readonly what: 'policy' | 'role' | 'token'; readonly index: number }
  | { readonly kind: 'wait'; readonly ms: number };

const name = fc.constantFrom('a', 'b', 'c');
const names = fc.uniqueArray(name, { maxLength: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('policy' as const), name, level: fc.constantFrom('read', 'write', 'deny') }),
  fc.record({ kind: fc.constant('role' as const), name, policies: names }),
  fc.record({ kind: fc.constant('token' as const), policies: names, roles: names, ttlMs: fc.constantFrom(0, 60_000) }),
  fc.record({ kind: fc.constant('drop' as const), what: fc.constantFrom('policy', 'role', 'token'), index: fc.nat(3) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 30_000) }),
);

/** Something to change, to begin with: most steps would be refused by an empty registry. */
const first: readonly Step[] = [
  { kind: 'policy', name: 'a', level: 'write' },
  { kind: 'policy', name: 'b', level: 'read' },
  { kind: 'role', name: 'a', policies: ['b'] },
  { kind: 'token', policies: ['a'], roles: [], ttlMs: 0 },
  { kind: 'token', policies: [], roles: ['a'], ttlMs: 60_000 },
  { kind: 'token', policies: ['a', 'b'], roles: ['a'], ttlMs: 0 },
];

async function take({ admin, acl, clock }: Secured, secrets: string[], taken: Step): Promise<void> {
  const links = (list: readonly string[]) => list.map((one) => ({ name: one }));
  switch (taken.kind) {
    case 'policy': {
      const id = acl.store.policyByName('default', taken.name)?.id;
      const rules = `service "${taken.name}" { policy = "${taken.level}" } service_prefix "" { policy = "read" }`;
      await admin.putPolicy('default', { name: taken.name, rules, ...(id !== undefined && { id }) });
      return;
    }
    case 'role': {
      const id = acl.store.roleByName('default', taken.name)?.id;
      await admin.putRole('default', { name: taken.name, policies: links(taken.policies), ...(id !== undefined && { id }) });
      return;
    }
    case 'token': {
      const { policies, roles, ttlMs } = taken;
      secrets.push((await admin.createToken('default', { policies: links(policies), roles: links(roles), ttlMs })).secret);
      return;
    }
    case 'drop':
      if (taken.what === 'policy') await admin.deletePolicy('default', acl.store.policies('default')[taken.index]?.id ?? '');
      else if (taken.what === 'role') await admin.deleteRole('default', acl.store.roles('default')[taken.index]?.id ?? '');
      else await admin.deleteToken('default', acl.store.tokens('default')[taken.index]?.accessorId ?? '');
      return;
    case 'wait':
      clock.advance(taken.ms);
  }
}

/** What each secret may do, as text. */
function answers(acl: Acl, secrets: readonly string[]): string[] {
  return secrets.map((secret) => {
    try {
      const { authorizer } = acl.resolve(secret);
      const may = (service: string) => (['read', 'write'] as const).filter((verb) => authorizer.allows('default', 'service', verb, service));
      return ['a', 'b', 'c', 'd'].map((service) => may(service).join()).join('|');
    } catch (error) {
      return isRegistryError(error) ? error.message : String(error);
    }
  });
}

it('stays true to the registry, and tells every listener whose answer changes', async () => {
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
          // Links to what is gone, and deletions of what is not there, are refused.
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
