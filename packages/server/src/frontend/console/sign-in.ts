/**
 * Signing in to the console and out of it: with a token, with a JSON Web Token, or at an OpenID provider. Each way ends with a token of the registry in the
 * session of the page (`net/page-token.ts`). It keeps nothing: what belongs to a sign-in at a provider is in a cookie of the browser that has begun it.
 */

import { defaultNamespace, isNamespaceName, RegistryError } from '@rollcall/protocol';
import { readBody } from '../../net/body.ts';
import type { Context } from '../../net/frontend.ts';
import { parseBody } from '../../net/json-body.ts';
import { object } from '../../net/open-api.ts';
import { cookieIn, endedCookie, pageToken, sessionCookie } from '../../net/page-token.ts';
import { sendText, type RoutedCall } from '../../net/routed-frontend.ts';
import type { Caller } from '../../security/acl.ts';
import { pendingMs, type Pending } from '../../security/oidc.ts';

const json = 'application/json';
const bodyBytesMax = 65_536;
const pendingCookie = 'rollcall-oidc';
const pendingPath = '/ui/api/oidc';
/** Where a provider sends the browser back: a page of the console, which hands over what it got. */
const redirectPath = '/ui/oidc/callback';

const name = { type: 'string', maxLength: 255 } as const;
const proof = { type: 'string', minLength: 1, maxLength: 16_384 } as const;
const tokenBody = object({ token: proof });
const jwtBody = object({ 'jwt': proof, 'method': name, 'namespace?': name });
const startBody = object({ 'method': name, 'namespace?': name });
const callbackBody = object({ query: { type: 'string', maxLength: 16_384 } });

export class SignIn {
  readonly #context: Context;
  readonly #answer: (call: RoutedCall) => void;

  /** @param answer tells the page who is signed in now */
  constructor(context: Context, answer: (call: RoutedCall) => void) {
    this.#context = context;
    this.#answer = answer;
  }

  /** The auth methods with which people may sign in; told without a token, since it is for those who have none yet. */
  methods({ exchange: { response, query } }: RoutedCall): void {
    const { acl } = this.#context.security;
    const namespace = namespaceIn(new URLSearchParams(query).get('namespace') ?? undefined);
    const methods = acl.enabled ? acl.store.methods(namespace).map(({ name: method, type, displayName }) => ({ name: method, type, displayName })) : [];
    sendText(response, 200, json, JSON.stringify({ methods }));
  }

  async begin(call: RoutedCall): Promise<void> {
    const { exchange: { request }, origin } = call;
    const { gate, login } = this.#context.security;
    const bytes = await readBody(request, bodyBytesMax);
    if (!bytes.includes('"jwt"')) {
      const { token } = parseBody(bytes, tokenBody) as { readonly token: string };
      this.#signedIn(call, token, gate.enter(token, origin), 'with a token');
      return;
    }
    const { jwt, method, namespace } = parseBody(bytes, jwtBody) as { readonly jwt: string; readonly method: string; readonly namespace?: string };
    const { secret } = await gate.prove(origin, () => login.login({ namespace: namespaceIn(namespace), method, bearerToken: jwt, meta: { for: 'the console' } }));
    this.#signedIn(call, secret, gate.enter(secret, origin), `with auth method ${method}`);
  }

  async start({ exchange: { request, response } }: RoutedCall): Promise<void> {
    const { method, namespace } = parseBody(await readBody(request, bodyBytesMax), startBody) as { readonly method: string; readonly namespace?: string };
    const { origin: from } = request.headers;
    // The browser names its own origin, which `own-origin.ts` has compared with the host.
    if (from === undefined) throw new RegistryError('invalid_argument', 'only a page of the console begins a sign-in: the header Origin is missing');
    const { url, pending } = await this.#context.security.oidc.start({ namespace: namespaceIn(namespace), method, redirectUri: `${from}${redirectPath}` });
    const kept = Buffer.from(JSON.stringify(pending)).toString('base64url');
    response.setHeader('Set-Cookie', pendingSet(kept, pendingMs / 1_000, isEncrypted(request)));
    sendText(response, 200, json, JSON.stringify({ url }));
  }

  async callback(call: RoutedCall): Promise<void> {
    const { exchange: { request, response }, origin } = call;
    const { gate, oidc } = this.#context.security;
    const { query } = parseBody(await readBody(request, bodyBytesMax), callbackBody) as { readonly query: string };
    const pending = pendingIn(cookieIn(request, pendingCookie));
    // It works once, also when it fails.
    response.setHeader('Set-Cookie', pendingSet('', 0, isEncrypted(request)));
    if (pending === undefined) throw new RegistryError('unauthenticated', 'this browser has not begun the sign-in, or has finished it already; start again');
    const { secret } = await gate.prove(origin, () => oidc.finish(pending, new URLSearchParams(query)));
    this.#signedIn(call, secret, gate.enter(secret, origin), `with auth method ${pending.method}`);
  }

  /** The token of a login ends with its session; one that an operator has typed stays. */
  async end({ exchange: { request, response }, origin }: RoutedCall): Promise<void> {
    const { gate, acl, admin } = this.#context.security;
    const caller = acl.enabled ? acl.find(pageToken(request) ?? '') : undefined;
    response.setHeader('Set-Cookie', endedCookie(isEncrypted(request)));
    if (caller !== undefined) {
      gate.record('login', caller, caller.namespace, origin, 'sign out of the console');
      if (acl.store.tokenAnywhere(caller.accessorId)?.authMethod !== '') await admin.logout(caller);
    }
    sendText(response, 200, json, '{}');
  }

  #signedIn(call: RoutedCall, token: string, caller: Caller, how: string): void {
    const { exchange: { request, response }, origin } = call;
    const { security: { gate }, clock } = this.#context;
    const session = sessionCookie(request, token, { isEncrypted: isEncrypted(request), endsMs: caller.expiresAtMs, now: clock.now() });
    gate.record('login', caller, caller.namespace, origin, `sign in to the console ${how}`);
    response.appendHeader('Set-Cookie', session);
    this.#answer({ ...call, caller });
  }
}

function isEncrypted({ socket }: RoutedCall['exchange']['request']): boolean {
  return 'encrypted' in socket;
}

/** Sent only to the two requests of a sign-in, and only from pages of this site. */
function pendingSet(value: string, age: number, overTls: boolean): string {
  return `${pendingCookie}=${value}; Path=${pendingPath}; Max-Age=${age}; HttpOnly; SameSite=Strict${overTls ? '; Secure' : ''}`;
}

function pendingIn(kept: string | undefined): Pending | undefined {
  if (kept === undefined || kept === '') return undefined;
  try {
    const { namespace, method, redirectUri, state, nonce, verifier, startedMs } = JSON.parse(Buffer.from(kept, 'base64url').toString()) as Record<keyof Pending, unknown>;
    if (![namespace, method, redirectUri, state, nonce, verifier].every((each) => typeof each === 'string') || typeof startedMs !== 'number') return undefined;
    return { namespace, method, redirectUri, state, nonce, verifier, startedMs } as Pending;
  } catch {
    return undefined;
  }
}

/** @throws RegistryError `invalid_argument` */
function namespaceIn(namespace = defaultNamespace): string {
  if (!isNamespaceName(namespace)) throw new RegistryError('invalid_argument', 'namespace must be letters, digits and inner hyphens');
  return namespace;
}
