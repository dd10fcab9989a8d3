/**
 * Services and checks of the server's own node from configuration files, as in Consul: the same
 * bodies as in the agent API, registered at the start and at every reload. The store records which of them came from files, so
 * that a definition that is removed from its file is deregistered, and registrations through the API stay. The caller reads
 * the files.
 */

import { isDeepStrictEqual } from 'node:util';
import { defaultNamespace, RegistryError } from '@rollcall/protocol';
import type { Context } from '../../../net/frontend.ts';
import type { CheckInput, InstanceInput } from '../../../registry/kind/catalog/commands.ts';
import { findCheck, findInstance } from '../../../registry/kind/catalog/find.ts';
import { findNamespace } from '../../../registry/kind/namespace/find.ts';
import { findRecord } from '../../../registry/kind/record/find.ts';
import { noNamespace } from '../../../registry/row.ts';
import { serfHealth } from '../../../registry/kind/catalog/known-checks.ts';
import type { State } from '../../../registry/state.ts';
import { namespaceIn } from '../request/scope.ts';
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

interface Service {
  readonly namespace: string;
  readonly instance: InstanceInput;
  readonly checks: readonly CheckInput[];
}

interface Wanted {
  readonly services: readonly Service[];
  readonly checks: readonly { readonly namespace: string; readonly check: CheckInput }[];
  /** By place of a check: the ID of its service, empty for a check of the node. */
  readonly holders: ReadonlyMap<string, string>;
}

/** A service or check by namespace and ID, as stored: in `default`, the ID alone. */
type Place = string;

function placeOf(namespace: string, id: string): Place {
  return namespace === defaultNamespace ? id : `${namespace}\0${id}`;
}

/** The place of a check; checks of the node itself are in `default`. */
function placeOfCheck(namespace: string, { id, instance }: CheckInput): Place {
  return placeOf(instance === undefined ? defaultNamespace : namespace, id);
}

function parsePlace(place: Place): { readonly namespace: string; readonly id: string } {
  const end = place.indexOf('\0');
  return end < 0 ? { namespace: defaultNamespace, id: place } : { namespace: place.slice(0, end), id: place.slice(end + 1) };
}

/** Type of the record that lists the services and checks from files. */
const recordType = 'consul-files';

interface Kept {
  readonly services: readonly Place[];
  /** Including the checks of the services. */
  readonly checks: readonly Place[];
}

/**
 * Replaces the file-defined services and checks of the node by these. Changes nothing if one
 * of them is invalid. Creates the namespaces that they name, since at the first start no client could.
 * @throws RegistryError `invalid_argument` that names the definition and its error
 */
export async function defineOwn({ registry, identity }: Parts, definitions: OwnDefinitions): Promise<void> {
  const wanted = read({ registry, identity }, definitions);
  const node = identity.nodeName;
  const ids = {
    services: wanted.services.map(({ namespace, instance }) => placeOf(namespace, instance.id)),
    checks: [
      ...wanted.services.flatMap(({ namespace, checks }) => checks.map((check) => placeOfCheck(namespace, check))),
      ...wanted.checks.map(({ namespace, check }) => placeOfCheck(namespace, check)),
    ],
  };
  const before = kept(registry.state, node);
  // Written before the registrations: after a crash, the record must list everything that came from files.
  await remember(registry, node, { services: union(before.services, ids.services), checks: union(before.checks, ids.checks) });
  for (const place of before.checks) {
    const { namespace, id } = parsePlace(place);
    const row = findCheck(registry.state, namespace, node, id);
    // A check that moves from one service to another is deregistered and registered.
    const stays = wanted.holders.get(place) === row?.instance;
    if (!stays && row !== undefined) await registry.submit({ kind: 'deregister-check', namespace, node, id });
  }
  const defined = new Set(ids.services);
  for (const place of before.services) {
    const { namespace, id } = parsePlace(place);
    if (defined.has(place) || findInstance(registry.state, namespace, node, id) === undefined) continue;
    await registry.submit({ kind: 'deregister-instance', namespace, node, id });
  }
  await createNamespaces(registry, wanted);
  const own = () => enrolment(registry.state, { name: node, address: identity.address }, identity);
  for (const { namespace, instance, checks } of wanted.services) {
    const keep = (check: CheckInput) => keepStatus(registry.state, namespace, node, check);
    await registry.submit({ kind: 'register', namespace, ...own(), instances: [instance], checks: checks.map(keep) });
  }
  for (const { namespace, check } of wanted.checks) {
    const checks = [keepStatus(registry.state, namespace, node, check)];
    await registry.submit({ kind: 'register', namespace, ...own(), checks });
  }
  await remember(registry, node, ids);
}

async function createNamespaces(registry: Parts['registry'], { services, checks }: Wanted): Promise<void> {
  const names = new Set([...services, ...checks].map(({ namespace }) => namespace));
  for (const name of names) {
    if (name === defaultNamespace || findNamespace(registry.state, name) !== undefined) continue;
    await registry.submit({ kind: 'namespace-put', name, description: 'Created for services in configuration files' });
  }
}

/** Moves the record of a node to the new name of the node. */
export async function renameOwn(registry: Parts['registry'], former: string, name: string): Promise<void> {
  const row = findRecord(registry.state, noNamespace, recordType, former);
  if (row === undefined) return;
  await registry.submit({ kind: 'record-put', namespace: noNamespace, type: recordType, id: name, value: row.value });
  await registry.submit({ kind: 'record-delete', namespace: noNamespace, type: recordType, id: former });
}

/**
 * Checks definitions as far as possible without the state.
 * @throws RegistryError `invalid_argument` that names the definition and its error
 */
export function checkDefinitions(definitions: OwnDefinitions): void {
  readDefinitions(definitions);
}

function readDefinitions({ services, checks }: OwnDefinitions): Wanted {
  const known = new Set<string>();
  const holders = new Map<string, string>();
  const hold = (namespace: string, check: CheckInput) => {
    const { id, instance = '' } = check;
    const place = placeOfCheck(namespace, check);
    if ((holders.get(place) ?? instance) !== instance) throw invalid(`another service has a check with the ID ${quoted(id)}`);
    holders.set(place, instance);
  };
  const readServices = services.map((value, index) =>
    about('service', value, index, () => {
      const fields = decode(agentService, value as JsonValue);
      const namespace = namespaceIn(noScope, fields.Namespace);
      const instance = instanceInput(fields);
      const place = placeOf(namespace, instance.id);
      if (known.has(place)) throw invalid('another definition has the same ID');
      known.add(place);
      const own = serviceCheckInputs(fields, instance);
      for (const check of own) hold(namespace, check);
      return { namespace, instance, checks: own };
    }),
  );
  const readChecks = checks.map((value, index) =>
    about('check', value, index, () => {
      const fields = decode(agentCheck, value as JsonValue);
      const namespace = namespaceIn(noScope, fields.Namespace);
      const check = agentCheckInput(fields);
      if (check.id === serfHealth) throw invalid(`check ID ${serfHealth} is the agent's own`);
      hold(namespace, check);
      return { namespace, check };
    }),
  );
  return { services: readServices, checks: readChecks, holders };
}

/** A definition in a file is in the namespace that it names. */
const noScope = { namespace: defaultNamespace, chosen: false };

function read({ registry, identity }: Parts, definitions: OwnDefinitions): Wanted {
  const node = identity.nodeName;
  const wanted = readDefinitions(definitions);
  const places = wanted.services.map(({ namespace, instance }) => placeOf(namespace, instance.id));
  wanted.services.forEach(({ instance }, index) =>
    about('service', definitions.services[index], index, () => {
      if (isServersOwn(identity, node, instance.id)) throw invalid(`the ID ${quoted(instance.id)} is the server's own`);
    }),
  );
  wanted.checks.forEach(({ namespace, check: { instance } }, index) =>
    about('check', definitions.checks[index], index, () => {
      if (instance === undefined || places.includes(placeOf(namespace, instance))) return;
      if (findInstance(registry.state, namespace, node, instance) === undefined) {
        throw invalid(`ServiceID ${quoted(instance)} does not exist`);
      }
    }),
  );
  const fromFiles = new Set(kept(registry.state, node).checks);
  for (const [place, instance] of wanted.holders) {
    const { namespace, id } = parsePlace(place);
    const row = findCheck(registry.state, namespace, node, id);
    if (row === undefined || row.instance === instance || fromFiles.has(place)) continue;
    const holder = row.instance === '' ? 'the node' : `service ${quoted(row.instance)}`;
    throw invalid(`check ${quoted(id)}: ${holder} has a check with this ID already, registered through the API`);
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
  const row = findRecord(state, noNamespace, recordType, node);
  return (row?.value as Kept | undefined) ?? { services: [], checks: [] };
}

/** Writes nothing as long as there was never a definition. */
async function remember(registry: Parts['registry'], node: string, value: Kept): Promise<void> {
  const { services, checks } = kept(registry.state, node);
  if (isDeepStrictEqual([services, checks], [[...value.services], [...value.checks]])) return;
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
