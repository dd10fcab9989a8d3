/** Requests about the connection: signs of life, authentication, `sync`, the end of the session. */

import { createHash } from 'node:crypto';
import { isRegistryError } from '@rollcall/protocol';
import { errorCodes } from '../../../jute/codes.ts';
import { TooManyFailures } from '../../../security/gate.ts';
import { ZookeeperError } from '../errors.ts';
import type { Call, Read, Write } from './request.ts';

const own = { kind: 'open', why: 'it is about the connection of the client itself' } as const;

export const ping: Read<'ping'> = { kind: 'read', access: own, run: () => ({}) };

export const sync: Read<'sync'> = {
  kind: 'read',
  access: { kind: 'open', why: 'it says nothing about the path' },
  async run({ context }, { path }) {
    await context.registry.barrier();
    return { path };
  },
};

export const closeSession: Write<'closeSession'> = {
  kind: 'write',
  access: own,
  command: ({ options: { namespace }, client }) => ({ kind: 'session-destroy', namespace, id: client.session.id }),
  answer: () => ({}),
};

export const auth: Read<'auth'> = {
  kind: 'read',
  access: { kind: 'own-proof', why: 'it brings the token' },
  run(call, { scheme, auth: secret }) {
    const text = Buffer.from(secret ?? []).toString();
    if (scheme === 'digest') addDigest(call, text);
    else if (scheme === 'token') call.client.enter(text);
    // The address of the client is one of its ids from the beginning.
    else if (scheme !== 'ip' && scheme !== 'world') throw authFailed(`there is no scheme ${JSON.stringify(scheme.slice(0, 40))}; use digest or token`);
    return {};
  },
};

/** `NAME:SECRET`: the id of a digest, for ACLs, and a token of Rollcall, if the secret is one (`DigestAuthenticationProvider`). */
function addDigest({ client }: Call, text: string): void {
  const colon = text.indexOf(':');
  if (colon <= 0) throw authFailed('a digest is NAME:SECRET');
  const name = text.slice(0, colon);
  try {
    client.enter(text.slice(colon + 1));
  } catch (error) {
    // It may be a password that only ACLs know.
    if (error instanceof TooManyFailures || !isRegistryError(error, 'unauthenticated')) throw error;
  }
  client.addId({ scheme: 'digest', id: `${name}:${createHash('sha1').update(text).digest('base64')}` });
}

export const whoAmI: Read<'whoAmI'> = {
  kind: 'read',
  access: own,
  run: ({ client }) => ({ clientInfo: client.ids.map(({ scheme, id }) => ({ authScheme: scheme, user: scheme === 'digest' ? id.replace(/:.*/s, '') : id })) }),
};

export const sasl: Read<'sasl'> = {
  kind: 'read',
  access: { kind: 'own-proof', why: 'it is refused' },
  run() {
    throw authFailed('SASL is not served; send a token with the scheme digest or token');
  },
};

export const reconfig: Read<'reconfig'> = {
  kind: 'read',
  access: { kind: 'open', why: 'it is refused' },
  run() {
    throw new ZookeeperError(errorCodes.reconfigDisabled, 'unimplemented', 'the nodes of a store join and leave by themselves; there is nothing to configure');
  },
};

function authFailed(message: string): ZookeeperError {
  return new ZookeeperError(errorCodes.authFailed, 'unauthenticated', message);
}
