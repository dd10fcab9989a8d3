/** Creates tokens and changes their rules in a server with access control, as an operator would; for tests of front ends. */

import { randomUUID } from 'node:crypto';
import { systemClock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { TokenWithSecret } from './admin.ts';
import { makeSecurity, type Security } from './security.ts';
import { anonymousAccessor } from './well-known.ts';
import type { TokenInput } from './token-writes.ts';

/** Secret of the management token in tests. */
export const management = 'management-secret';

export interface Grantor {
  /** A token with these rules, and the other fields of `grants`. */
  token(rules: string, grants?: TokenInput): Promise<TokenWithSecret>;
  /** Replaces the rules of a token that `token` made. */
  change(token: TokenWithSecret, rules: string): Promise<void>;
  revoke(token: TokenWithSecret): Promise<void>;
  /** Sets the rules for requests without a token. */
  allCallers(rules: string): Promise<void>;
  close(): void;
}

/** @param registry of the server; writes of the grantor reach its `Acl` through its log */
export function grantor(registry: Registry): Grantor {
  const security: Security = makeSecurity({
    ...{ registry, clock: systemClock, uuid: randomUUID },
    config: { enabled: true, defaultPolicy: 'deny', datacenter: 'dc1' },
    resolve: () => Promise.reject(new Error('no keys are fetched here')),
    onError: (error) => {
      throw error;
    },
  });
  const { acl, admin } = security;
  const stop = registry.observe(acl);
  acl.start();
  const policyOf = (token: { readonly policies: readonly string[] }) => acl.store.policy('default', token.policies[0] ?? '');
  return {
    async token(rules, grants = {}) {
      const { id } = await admin.putPolicy('default', { name: randomUUID(), rules });
      return admin.createToken('default', { ...grants, policies: [{ id }] });
    },
    async change({ token }, rules) {
      const policy = policyOf(token);
      await admin.putPolicy('default', { id: policy?.id ?? '', name: policy?.name ?? '', rules });
    },
    revoke: ({ token }) => admin.deleteToken('default', token.accessorId),
    async allCallers(rules) {
      const { id } = await admin.putPolicy('default', { name: randomUUID(), rules });
      await admin.updateToken('default', anonymousAccessor, { policies: [{ id }] });
    },
    close() {
      stop();
      acl.close();
    },
  };
}
