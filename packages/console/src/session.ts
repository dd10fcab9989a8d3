/** Who is signed in, and on which server. The token is in a cookie that pages cannot read. */

import { createSignal } from 'solid-js';
import type { ExplainedDenial } from '@rollcall/protocol';
import { forgetPageKey } from './page-key.ts';
import { rememberPlace } from './returned.ts';
import { ask } from './api.ts';
import { forgetRecent } from './recent.ts';

export interface Session {
  readonly accessControl: boolean;
  readonly subject: { readonly accessorId: string; readonly name: string };
  readonly namespace: string;
  /** Those that the caller may see, in order. */
  readonly namespaces: readonly string[];
  readonly environment: { readonly name: string; readonly colour: string } | null;
  /** Whether the server keeps a history, so that the past can be asked for. */
  readonly history: boolean;
  readonly expiresAtMs: number | null;
  readonly server: { readonly name: string; readonly version: string; readonly datacenter: string; readonly registryId: string };
}

/** The accessor of a caller without a token. */
export const anonymousAccessor = '00000000-0000-0000-0000-000000000002';

const path = '/ui/api/session';

const [session, setSession] = createSignal<Session | undefined>();
export { session };

/** @throws ApiError */
export async function loadSession(): Promise<void> {
  setSession(await ask<Session>('GET', path));
}

/** @throws ApiError `unauthenticated` for a wrong token */
export async function signIn(token: string): Promise<void> {
  setSession(await ask<Session>('POST', path, { token }));
}

/** @throws ApiError `unauthenticated` for a token that the auth method does not accept, `permission_denied` when it grants nothing */
export async function signInWithJwt(jwt: string, method: string, namespace: string): Promise<void> {
  setSession(await ask<Session>('POST', path, { jwt, method, namespace }));
}

export interface SignInMethod {
  readonly name: string;
  readonly type: string;
  readonly displayName: string;
}

/** The auth methods of a namespace with which people may sign in. @throws ApiError */
export async function signInMethods(namespace: string): Promise<readonly SignInMethod[]> {
  return (await ask<{ methods: readonly SignInMethod[] }>('GET', `/ui/api/methods?namespace=${encodeURIComponent(namespace)}`)).methods;
}

/** Leaves the console for the provider of an auth method, which sends the browser back (`returned.ts`). @throws ApiError */
export async function beginAtProvider(method: string, namespace: string): Promise<void> {
  const { url } = await ask<{ url: string }>('POST', '/ui/api/oidc/start', { method, namespace });
  rememberPlace();
  location.assign(url);
}

export async function signOut(): Promise<void> {
  await ask('DELETE', path);
  forgetPageKey();
  forgetRecent();
  await loadSession();
}

export interface Question {
  readonly namespace?: string;
  readonly resource: string;
  readonly verb: 'read' | 'write';
  readonly name?: string;
}

/** What the caller may not do, with the reason, by question; null for what it may. A token may lose rights at any time, so the server decides again when it is done. */
export async function denials(questions: readonly Question[]): Promise<readonly (ExplainedDenial | null)[]> {
  const { allowed, denials: explained } = await ask<{ allowed: readonly boolean[]; denials: readonly (ExplainedDenial | null)[] }>('POST', '/ui/api/can', { ask: questions, explain: true });
  return questions.map(({ namespace = 'default', name = '', ...question }, at) => (allowed[at] === true ? null : (explained[at] ?? unexplained({ ...question, namespace, name }))));
}

/** A denial whose reason has not come. */
export function unexplained({ namespace = 'default', name = '', ...question }: Question): ExplainedDenial {
  return { ...question, namespace, name, subject: 'this caller', rule: { source: 'access control', text: 'deny' } };
}
