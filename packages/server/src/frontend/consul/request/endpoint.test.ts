/** The steps of an endpoint come in their order, and no step runs after one that failed. */

import { expect, test } from 'vitest';
import type { Call } from './call.ts';
import { commandEndpoint, endpoint } from './endpoint.ts';
import { permission } from './permission.ts';

/** A call whose caller may do what `may` lists; its steps are recorded. */
function callOf(steps: string[], { may = [] as string[], secured = true, result = true as unknown } = {}): Call {
  const authorizer = {
    allows: (_namespace: string, resource: string, verb: string, name: string) => may.includes(`${resource}:${verb} ${name}`),
    allowsKeyTree: (_namespace: string, prefix: string) => may.includes(`tree ${prefix}`),
  };
  const acl = { enabled: secured, denied: lacks };
  const submit = (command: { readonly kind: string }) => {
    steps.push(`submit ${command.kind}`);
    return Promise.resolve(result);
  };
  const context = { security: { acl }, registry: { state: {}, submit } };
  return { context, caller: { accessorId: 'a', authorizer }, namespace: 'default' } as unknown as Call;
}

function lacks(_caller: unknown, namespace: string, resource: string, verb: string, name: string): Error {
  return new Error(`lacks ${resource}:${verb} on "${name}" in ${namespace}`);
}

const removal = (steps: string[], decode: () => string | Promise<string>) =>
  commandEndpoint({
    decode: () => {
      steps.push('decode');
      return decode();
    },
    permissions: (id) => {
      steps.push('permissions');
      return [permission('service', 'write', id)];
    },
    command: (id) => {
      steps.push('command');
      return { kind: 'session-destroy', namespace: 'default', id } as const;
    },
    answer: (existed) => {
      steps.push(`answer ${existed}`);
      return Buffer.from('true');
    },
  });

test.each([
  ['at once', () => 'web'],
  ['later', () => Promise.resolve('web')],
])('a request that is decoded %s is authorized, then one command is submitted, then it is answered', async (_when, decode) => {
  const steps: string[] = [];
  const reply = await removal(steps, decode)(callOf(steps, { may: ['service:write web'] }));
  expect(steps).toEqual(['decode', 'permissions', 'command', 'submit session-destroy', 'answer true']);
  expect(reply).toEqual(Buffer.from('true'));
});

test('a request with a grammar error is not authorized', async () => {
  const steps: string[] = [];
  const broken = removal(steps, () => {
    throw new Error('grammar');
  });
  await expect(broken(callOf(steps))).rejects.toThrow('grammar');
  expect(steps).toEqual(['decode']);
});

test('a request without permission submits no command, and the error names the first missing permission', async () => {
  const steps: string[] = [];
  await expect(removal(steps, () => 'web')(callOf(steps))).rejects.toThrow('lacks service:write on "web" in default');
  expect(steps).toEqual(['decode', 'permissions']);
});

test('without access control the permissions are not listed', async () => {
  const steps: string[] = [];
  await removal(steps, () => 'web')(callOf(steps, { secured: false }));
  expect(steps).toEqual(['decode', 'command', 'submit session-destroy', 'answer true']);
});

test('a permission for a tree requires the whole tree', () => {
  const tree = endpoint({
    decode: () => 'app/',
    permissions: (prefix) => [{ ...permission('key', 'write', prefix), tree: true }],
    answer: () => undefined,
  });
  expect(() => tree(callOf([], { may: ['key:write app/'] }))).toThrow('lacks key:write on "app/" in default');
  expect(tree(callOf([], { may: ['tree app/'] }))).toBeUndefined();
});
