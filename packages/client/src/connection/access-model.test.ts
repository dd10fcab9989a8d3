/** Rights and contents change in any order: in the end a client has exactly the content that it may read. */

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TokenWithSecret } from '../../../server/src/security/admin.ts';
import { grantor, type Grantor } from '../../../server/src/security/grantor.case.ts';
import { createServer, type Server } from '../../../server/src/server.ts';
import { connect } from '../connect.ts';

const services = ['web', 'db'];
const nodes = ['near', 'far'];
const keys = ['app/a', 'app/b', 'secret/c'];

interface Rights {
  readonly rules: string;
  readonly service: (name: string) => boolean;
  readonly node: (name: string) => boolean;
  readonly key: (name: string) => boolean;
}

const all = () => true;
const none = () => false;
const read = (what: string, name: string, level = 'read') => `${what} "${name}" { policy = "${level}" }\n`;

/** All tokens may read the service web: another test covers names that are denied. */
const rights: readonly Rights[] = [
  {
    rules: read('service_prefix', '') + read('node_prefix', '') + read('key_prefix', ''),
    ...{ service: all, node: all, key: all },
  },
  {
    rules: read('service', 'web') + read('node', 'near') + read('key_prefix', 'app/'),
    ...{ service: (name) => name === 'web', node: (name) => name === 'near', key: (name) => name.startsWith('app/') },
  },
  {
    rules: read('service_prefix', '') + read('node', 'far') + read('key', 'app/a'),
    ...{ service: all, node: (name) => name === 'far', key: (name) => name === 'app/a' },
  },
  {
    rules: read('service_prefix', '') + read('node_prefix', '') + read('node', 'near', 'deny') + read('key_prefix', '') + read('key_prefix', 'secret/', 'deny'),
    ...{ service: all, node: (name) => name !== 'near', key: (name) => !name.startsWith('secret/') },
  },
  { rules: read('service', 'web'), service: (name) => name === 'web', node: none, key: none },
];

type Step =
  | { readonly kind: 'rules' | 'token'; readonly rights: number }
  | { readonly kind: 'register' | 'deregister'; readonly service: string; readonly node: string }
  | { readonly kind: 'put' | 'delete'; readonly key: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('rules' as const, 'token' as const), rights: fc.nat(rights.length - 1) }),
  fc.record({ kind: fc.constantFrom('register' as const, 'deregister' as const), service: fc.constantFrom(...services), node: fc.constantFrom(...nodes) }),
  fc.record({ kind: fc.constantFrom('put' as const, 'delete' as const), key: fc.constantFrom(...keys) }),
);

/** The registry, and the part of it that each set of rights may read. */
class World {
  readonly #server: Server;
  readonly #grants: Grantor;
  readonly #tokenFile: string;
  readonly #instances = new Set<string>();
  readonly #keys = new Map<string, number>();
  #token: TokenWithSecret | undefined;
  #rights = rights[0] as Rights;
  #count = 0;

  constructor(server: Server, grants: Grantor, tokenFile: string) {
    this.#server = server;
    this.#grants = grants;
    this.#tokenFile = tokenFile;
  }

  get expected(): object {
    const { service, node, key } = this.#rights;
    const instances = [...this.#instances].map((one) => one.split(' '));
    const present = new Set(['consul', ...instances.map(([name = '']) => name)]);
    return {
      services: [...present].filter(service).toSorted(),
      web: instances.flatMap(([name, at = '']) => (name === 'web' && node(at) ? [at] : [])).toSorted(),
      keys: [...this.#keys].filter(([name]) => key(name)).map(([name, value]) => `${name}=${value}`).toSorted(),
    };
  }

  async take(taken: Step): Promise<void> {
    const { registry } = this.#server;
    switch (taken.kind) {
      case 'rules':
        this.#rights = rights[taken.rights] as Rights;
        if (this.#token !== undefined) await this.#grants.change(this.#token, this.#rights.rules);
        return;
      case 'token': {
        this.#rights = rights[taken.rights] as Rights;
        const before = this.#token;
        this.#token = await this.#grants.token(this.#rights.rules);
        writeFileSync(`${this.#tokenFile}.new`, this.#token.secret);
        renameSync(`${this.#tokenFile}.new`, this.#tokenFile);
        if (before !== undefined) await this.#grants.revoke(before);
        return;
      }
      case 'register': {
        const { service, node: name } = taken;
        await registry.submit({ kind: 'register', namespace: 'default', node: { name, address: '10.0.0.1' }, nodeMode: 'update', instances: [{ id: service, service }] });
        this.#instances.add(`${service} ${name}`);
        return;
      }
      case 'deregister':
        await registry.submit({ kind: 'deregister-instance', namespace: 'default', node: taken.node, id: taken.service });
        this.#instances.delete(`${taken.service} ${taken.node}`);
        return;
      case 'put':
        this.#keys.set(taken.key, ++this.#count);
        await registry.submit({ kind: 'kv-put', namespace: 'default', key: taken.key, value: Buffer.from(String(this.#count)), flags: 0n });
        return;
      case 'delete':
        this.#keys.delete(taken.key);
        await registry.submit({ kind: 'kv-delete', namespace: 'default', key: taken.key });
    }
  }
}

/** The last content that the client's watches reported. */
class Seen {
  readonly latest: Record<string, readonly string[]> = { services: [], web: [], keys: [] };
  #look = () => {};

  async follow<T>(what: string, values: AsyncIterable<T>, names: (value: T) => readonly string[]): Promise<void> {
    for await (const value of values) {
      this.latest[what] = names(value).toSorted();
      this.#look();
    }
  }

  /** Resolves as soon as the watches have reported this content; fails with the difference after a while. */
  becomes(expected: object): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        try {
          expect(this.latest).toEqual(expected);
          resolve();
        } catch (error) {
          reject(error as Error);
        }
      }, 30_000);
      this.#look = () => {
        if (JSON.stringify(this.latest) !== JSON.stringify(expected)) return;
        clearTimeout(late);
        resolve();
      };
      this.#look();
    });
  }
}

async function live(phases: readonly (readonly Step[])[]): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-model-'));
  const server = await createServer({ acl: {}, nodeName: 'here' });
  const grants = grantor(server.registry);
  const tokenFile = join(dir, 'token');
  const world = new World(server, grants, tokenFile);
  await world.take({ kind: 'token', rights: 0 });
  const rollcall = await connect({ servers: [server.url], tokenFile });
  try {
    const seen = new Seen();
    let failure: unknown;
    const ends = [
      seen.follow('services', rollcall.watchServices(), (list) => list.map(({ service }) => service)),
      seen.follow('web', rollcall.service('web').watch(), ({ instances }) => instances.map(({ node }) => node)),
      seen.follow('keys', rollcall.kv.watch({ prefix: '' }), ({ entries }) => entries.map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`)),
    ].map((end) => end.catch((error: unknown) => (failure ??= error)));
    for (const phase of phases) {
      for (const each of phase) await world.take(each);
      await seen.becomes(world.expected);
    }
    await rollcall.close();
    await Promise.all(ends);
    expect(failure).toBeUndefined();
  } finally {
    await rollcall.close();
    grants.close();
    await server.close();
    rmSync(dir, { recursive: true });
  }
}

it('a client follows the content that it may read', async () => {
  const phases = fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
  await fc.assert(fc.asyncProperty(phases, live), { numRuns: 25, interruptAfterTimeLimit: 15_000 });
});
