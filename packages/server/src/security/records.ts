/**
 * Records of access control in the registry. They are generic records, so the ordered log, backups and restores cover
 * them. Of a secret, only the SHA-256 is stored: it cannot be used to log in.
 */

import { hash } from 'node:crypto';
import type { RowOf } from '../registry/kinds.ts';
import type { Json } from '../registry/row.ts';

export const recordTypes = {
  token: 'acl-token',
  policy: 'acl-policy',
  role: 'acl-role',
  method: 'acl-auth-method',
  bindingRule: 'acl-binding-rule',
  /** Policies and roles that a namespace other than `default` adds to its tokens; its id is `defaults`. */
  defaults: 'acl-namespace',
  /** One record, written by the bootstrap; its revision is the reset index. */
  bootstrap: 'acl-bootstrap',
} as const;

// Types, not interfaces: TypeScript accepts only types where JSON is expected.

export type ServiceIdentity = {
  readonly service: string;
  /** Datacenters in which it counts; empty for all. */
  readonly datacenters: readonly string[];
};

export type NodeIdentity = {
  readonly node: string;
  readonly datacenter: string;
};

export type TemplatedPolicy = {
  readonly template: string;
  /** The variable `Name`; empty for templates without one. */
  readonly name: string;
  readonly datacenters: readonly string[];
};

/** Grants of a token or role. Policies are in its namespace, by id; a deleted one grants nothing. */
export type Grants = {
  readonly policies: readonly string[];
  readonly serviceIdentities: readonly ServiceIdentity[];
  readonly nodeIdentities: readonly NodeIdentity[];
  readonly templatedPolicies: readonly TemplatedPolicy[];
};

export type TokenValue = Grants & {
  /** SHA-256 of the secret in hex. */
  readonly secretHash: string;
  readonly description: string;
  /** Ids of roles. */
  readonly roles: readonly string[];
  readonly local: boolean;
  /** Name of the auth method whose login created the token; empty for other tokens. */
  readonly authMethod: string;
  /** Namespace of that auth method; absent for the default namespace. */
  readonly authMethodNamespace?: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  /** Milliseconds since the Unix epoch; 0 for never. */
  readonly expiresAtMs: number;
};

export type PolicyValue = {
  readonly name: string;
  readonly description: string;
  readonly rules: string;
  /** Datacenters in which it counts; empty for all. */
  readonly datacenters: readonly string[];
};

export type RoleValue = Grants & {
  readonly name: string;
  readonly description: string;
};

export type MethodConfig = { readonly [key: string]: Json };

export type MethodValue = {
  readonly type: string;
  readonly displayName: string;
  readonly description: string;
  /** Lifetime of its tokens in milliseconds; 0 for unlimited. */
  readonly tokenTtlMs: number;
  readonly locality: 'local' | 'global';
  /** As the request gave it; `jwt-config.ts` reads it. */
  readonly config: MethodConfig;
  /** Choose the namespace in which logins create their tokens: the first rule that matches. Absent for the method's own namespace. */
  readonly namespaceRules?: readonly NamespaceRule[];
};

export type NamespaceRule = {
  /** A filter over the login's identity; empty matches every login. */
  readonly selector: string;
  /** May contain `${value.name}`. */
  readonly bindNamespace: string;
};

export type BindingRuleValue = {
  readonly method: string;
  readonly description: string;
  /** A filter over the login's identity; empty matches every login. */
  readonly selector: string;
  readonly bindType: 'service' | 'node' | 'role' | 'policy' | 'templated-policy';
  /** May contain `${value.name}`. */
  readonly bindName: string;
  /** The variable `Name` of a templated policy, built like the name. */
  readonly bindVariable: string;
};

/** Ids of policies and roles of the default namespace. They count for all tokens of a namespace where their own rules are silent. */
export type NamespaceDefaults = {
  readonly policies: readonly string[];
  readonly roles: readonly string[];
};

interface Place {
  readonly namespace: string;
  readonly created: number;
  readonly modified: number;
}

export type Token = TokenValue & Place & { readonly accessorId: string };
export type Policy = PolicyValue & Place & { readonly id: string };
export type Role = RoleValue & Place & { readonly id: string };
export type AuthMethod = MethodValue & Place & { readonly name: string };
export type BindingRule = BindingRuleValue & Place & { readonly id: string };

// Only this file converts records to these types, and only `admin.ts` writes them.

export function tokenOf({ namespace, id, value, created, modified }: RowOf<'record'>): Token {
  return { ...(value as TokenValue), namespace, accessorId: id, created, modified };
}

export function policyOf({ namespace, id, value, created, modified }: RowOf<'record'>): Policy {
  return { ...(value as PolicyValue), namespace, id, created, modified };
}

export function roleOf({ namespace, id, value, created, modified }: RowOf<'record'>): Role {
  return { ...(value as RoleValue), namespace, id, created, modified };
}

export function methodOf({ namespace, id, value, created, modified }: RowOf<'record'>): AuthMethod {
  return { ...(value as MethodValue), namespace, name: id, created, modified };
}

export function bindingRuleOf({ namespace, id, value, created, modified }: RowOf<'record'>): BindingRule {
  return { ...(value as BindingRuleValue), namespace, id, created, modified };
}

/** Whether a token has expired. The server removes it some time later. */
export function hasEnded({ expiresAtMs }: TokenValue, now: number): boolean {
  return expiresAtMs !== 0 && expiresAtMs <= now;
}

/** The stored form of a secret. Random secrets cannot be guessed, so they need no salt and no slow hash. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}
