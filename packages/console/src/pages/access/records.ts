/** Access control as the server shows it (`frontend/access` of the server). */

import type { AskOptions, Denial } from '../../api.ts';

export interface Link {
  readonly id: string;
  /** Empty for one that was deleted. */
  readonly name: string;
}

export interface Token {
  readonly accessorId: string;
  readonly description: string;
  readonly policies: readonly Link[];
  readonly roles: readonly Link[];
  readonly serviceIdentities: readonly string[];
  /** Node identities and templated policies. */
  readonly others: number;
  /** The auth method whose login created it; empty for other tokens. */
  readonly method: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly isOwn: boolean;
  readonly isBuiltIn: boolean;
}

export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly rules: string;
  readonly isBuiltIn: boolean;
}

export interface Role {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly policies: readonly Link[];
  readonly serviceIdentities: readonly string[];
  readonly others: number;
}

export interface BindingRule {
  readonly id: string;
  readonly method: string;
  readonly description: string;
  readonly selector: string;
  readonly bindType: string;
  readonly bindName: string;
}

export interface Method {
  readonly name: string;
  readonly type: string;
  readonly displayName: string;
  readonly description: string;
  readonly tokenTtlMs: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly hasSecret: boolean;
  readonly rules: readonly BindingRule[];
}

/** What each part of the page is given. */
export interface SectionProps {
  readonly namespace: string;
  readonly isPaused: () => boolean;
  /** Why the caller may not change anything; undefined when it may. */
  readonly denial: Denial | undefined;
}

/** For a request about a namespace. */
export function inNamespace(namespace: string): AskOptions {
  return { headers: { 'x-rollcall-namespace': namespace } };
}
