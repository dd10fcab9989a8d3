/**
 * Services and checks of the server's own node that its operator wrote into configuration files, as
 * Consul's agent has them: the same bodies as in the agent API, registered at the start and at every
 * reload. Which of them came from files is kept in the store, so that one that is taken out of its file
 * goes, and what was registered through the API stays. Reading files is the caller's business.
 */

import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { CheckInput, InstanceInput } from '../../../registry/command.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import { find } from '../../../registry/reader.ts';
import { noNamespace } from '../../../registry/rows.ts';
import type { State } from '../../../registry/state.ts';
import { isServersOwn } from '../request/server-identity.ts';
import { decode } from '../wire/decode.ts';
import { quoted } from '../wire/errors.ts';
import type { JsonValue } from '../wire/json.ts';
import { agentCheckInput, instanceInput, serviceCheckInputs } from './definitions.ts';
import { enrolment } from './enrolment.ts';
import { agentCheck, agentService } from './schema.ts';
import { keepStatus } from './services.ts';

/** Bodies of `PUT /v1/agent/service/register` and `PUT /v1/agent/check/register`. */
export interface OwnDefinitions {
  readonly services: readonly unknown[];
  readonly checks: readonly unknown[];
}

type Parts = Pick<Context, 'registry' | 'identity'>;

interface Wanted {
  readonly services: readonly { readonly instance: InstanceInput; readonly checks: readonly CheckInput[] }[];
  readonly checks: readonly CheckInput[];
  /** By check ID: the ID of the service that holds it, empty for the node. */
  readonly holders: ReadonlyMap<string, string>;
}

/** The record that says what came from files. */
const recordType = 'consul-files';

interface Kept {
  readonly services: readonly string[];
  /** Those of the services, too. */
  readonly checks: readonly string[];
}

/**
 * Makes the node's file-defined services and checks these, and no others. Nothing is changed when one
 * of them is wrong.
 * @throws RegistryError `invalid_argument` that names the definition and says what is wrong with it
 */
export async function defineOwn({ registry, identity }: Parts, definitions: OwnDefinitions): Promise<void> {
  const wanted = read({ registry, identity }, definitions);
  const node = identity.nodeName;
  const ids = {
    services: wanted.services.map(({ instance }) => instance.id),
    checks: [...wanted.services.flatMap(({ checks }) => checks), ...wanted.checks].map(({ id }) => id),
  };
  const before = kept(registry.state, node);
  // Before anything is registered: what a crash leaves in the store must be known to come from files.
  await remember(registry, node, { services: union(before.services, ids.services), checks: union(before.checks, ids.checks) });
  for (const id of before.checks) {
    // A check that moves from one service to another is a new one.
    const stays = wanted.holders.get(id) === find.check(registry.state, defaultNamespace, node, id)?.instance;
    if (!stays) await registry.submit({ kind: 'deregister-check', namespace: defaultNamespace, node, id });
  }
  const defined = new Set(ids.services);
  for (const id of before.services) {
    if (!defined.has(id)) await registry.submit({ kind: 'deregister-instance', namespace: defaultNamespace, node, id });
  }
  const own = () => enrolment(registry.state, { name: node, address: identity.address }, identity);
  const keep = (check: CheckInput) => keepStatus(registry.state, defaultNamespace, node, check);
  for (const { instance, checks } of wanted.services) {
    await registry.submit({
      kind: 'register',
      namespace: defaultNamespace,
      ...own(),
      instances: [instance],
      checks: checks.map(keep),
    });
  }
  for (const check of wanted.checks) {
    await registry.submit({ kind: 'register', namespace: defaultNamespace, ...own(), checks: [keep(check)] });
  }
  await remember(registry, node, ids);
}

/** What came from files under the node's former name came from files under the new one. */
export async function renameOwn(registry: Parts['registry'], former: string, name: string): Promise<void> {
  const row = find.record(registry.state, noNamespace, recordType, former);
  if (row === undefined) return;
  await registry.submit({ kind: 'record-put', namespace: noNamespace, type: recordType, id: name, value: row.value });
  await registry.submit({ kind: 'record-delete', namespace: noNamespace, type: recordType, id: former });
}

/**
 * Whether definitions can be registered, as far as that does not depend on what is registered.
 * @throws RegistryError `invalid_argument` that names the definition and says what is wrong with it
 */
export function checkDefinitions(definitions: OwnDefinitions): void {
  readDefinitions(definitions);
}

function readDefinitions({ services, checks }: OwnDefinitions): Wanted {
  const known = new Set<string>();
  const holders = new Map<string, string>();
  const hold = ({ id, instance = '' }: CheckInput) => {
    if ((holders.get(id) ?? instance) !== instance) throw invalid(`another service has a check with the ID ${quoted(id)}`);
    holders.set(id, instance);
  };
  const readServices = services.map((value, index) =>
    about('service', value, index, () => {
      const fields = decode(agentService, value as JsonValue);
      const instance = instanceInput(fields);
      if (known.has(instance.id)) throw invalid('another one has its ID');
      known.add(instance.id);
      const own = serviceCheckInputs(fields, instance);
      for (const check of own) hold(check);
      return { instance, checks: own };
    }),
  );
  const readChecks = checks.map((value, index) =>
    about('check', value, index, () => {
      const check = agentCheckInput(decode(agentCheck, value as JsonValue));
      if (check.id === serfHealth) throw invalid(`check ID ${serfHealth} is the agent's own`);
      hold(check);
      return check;
    }),
  );
  return { services: readServices, checks: readChecks, holders };
}

function read({ registry, identity }: Parts, definitions: OwnDefinitions): Wanted {
  const node = identity.nodeName;
  const wanted = readDefinitions(definitions);
  const ids = wanted.services.map(({ instance }) => instance.id);
  wanted.services.forEach(({ instance }, index) =>
    about('service', definitions.services[index], index, () => {
      if (isServersOwn(identity, node, instance.id)) throw invalid(`the ID ${quoted(instance.id)} is the server's own`);
    }),
  );
  wanted.checks.forEach(({ instance }, index) =>
    about('check', definitions.checks[index], index, () => {
      if (instance !== undefined && !ids.includes(instance) && find.instance(registry.state, defaultNamespace, node, instance) === undefined) {
        throw invalid(`ServiceID ${quoted(instance)} does not exist`);
      }
    }),
  );
  const fromFiles = new Set(kept(registry.state, node).checks);
  for (const [id, instance] of wanted.holders) {
    const row = find.check(registry.state, defaultNamespace, node, id);
    if (row === undefined || row.instance === instance || fromFiles.has(id)) continue;
    const holder = row.instance === '' ? 'the node' : `service ${quoted(row.instance)}`;
    throw invalid(`check ${quoted(id)}: ${holder} has a check with this ID, which was registered through the API`);
  }
  return wanted;
}

function about<T>(what: string, value: unknown, index: number, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    const named = entries.find(([key, name]) => /^(name|id)$/i.test(key) && typeof name === 'string')?.[1] as string | undefined;
    throw invalid(`${what} ${named === undefined ? `number ${index + 1}` : quoted(named)}: ${(error as Error).message}`);
  }
}

function kept(state: State, node: string): Kept {
  const row = find.record(state, noNamespace, recordType, node);
  return (row?.value as Kept | undefined) ?? { services: [], checks: [] };
}

/** Leaves no trace where there never was a definition. */
async function remember(registry: Parts['registry'], node: string, value: Kept): Promise<void> {
  const { services, checks } = kept(registry.state, node);
  if (services.join('\0') === value.services.join('\0') && checks.join('\0') === value.checks.join('\0')) return;
  await registry.submit({
    kind: 'record-put',
    namespace: noNamespace,
    type: recordType,
    id: node,
    value: { services: [...value.services], checks: [...value.checks] },
  });
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

function invalid(message: string): RegistryError {
  return new RegistryError('invalid_argument', message);
}
