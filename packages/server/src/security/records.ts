/**
 * What access control keeps in the registry: generic records, so that they go through the ordered log, the
 * backups and the restores like everything else. Of a secret only its SHA-256 is kept; nothing here can be
 * used to log in.
 */

import { hash } from 'node:crypto';
import type { Json, RowOf } from '../registry/rows.ts';

export const recordTypes = {
  token: 'acl-token',
  policy: 'acl-policy',
  role: 'acl-role',
  method: 'acl-auth-method',
  bindingRule: 'acl-binding-rule',
  /** What a namespace other than `default` adds to its tokens; its id is `defaults`. */
  defaults: 'acl-namespace',
  /** One record that says that there was a bootstrap; its revision is the reset index. */
  bootstrap: 'acl-bootstrap',
} as const;

// Types, not interfaces: only those can be taken for JSON.

export type ServiceIdentity = {
  readonly service: string;
  /** Where it holds; everywhere when empty. */
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

/** What tokens and roles give. Policies of their namespace by id; one that no longer exists gives nothing. */
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
  /** By id. */
  readonly roles: readonly string[];
  readonly local: boolean;
  /** Name of the auth method whose login made the token; empty for others. */
  readonly authMethod: string;
  /** Where that auth method is; absent for the default namespace. */
  readonly authMethodNamespace?: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  /** 0 for never. */
  readonly expiresAtMs: number;
};

export type PolicyValue = {
  readonly name: string;
  readonly description: string;
  readonly rules: string;
  /** Where it holds; everywhere when empty. */
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
  /** Longest life of a token made by it in milliseconds; 0 for no end. */
  readonly tokenTtlMs: number;
  readonly locality: 'local' | 'global';
  /** As given; `jwt-config.ts` reads it. */
  readonly config: MethodConfig;
  /** Where logins make their tokens: the first rule that matches says it. Absent for the method's own namespace. */
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

/** Policies and roles of the default namespace, by id, that hold for all tokens of a namespace where their own rules are silent. */
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

// The one place where records become these types: only `admin.ts` writes them.

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

/** Whether a token has reached its end; it is removed some time later. */
export function hasEnded({ expiresAtMs }: TokenValue, now: number): boolean {
  return expiresAtMs !== 0 && expiresAtMs <= now;
}

/** What is kept of a secret. Random secrets need no salt and no slow hash: there is nothing to guess. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex');
}
