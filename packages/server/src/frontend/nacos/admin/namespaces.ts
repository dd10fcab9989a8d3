/** Namespaces, as the console and scripts of Nacos create, list and delete them. */

import { randomUUID } from 'node:crypto';
import { defaultNamespace } from '@rollcall/protocol';
import { configsIn, isPublished } from '../../../registry/kind/config/find.ts';
import { nameOf } from '../config/translate.ts';
import { findNamespace, namespaceNames } from '../../../registry/kind/namespace/find.ts';
import type { NamespaceRow } from '../../../registry/kind/namespace/rows.ts';
import { nacosCodes, NacosError } from '../errors.ts';
import { keep, kept } from '../foreign.ts';
import { fromNamespace, invalid, toNamespace } from '../names.ts';
import type { Format, Returned } from '../request/answer.ts';
import type { Call } from '../request/call.ts';

const showNameMax = 256;
const descriptionMax = 2_048;

/** `GET console/namespaces`; the parameters of the first version make it other questions. */
export async function list(call: Call, format: Format): Promise<Returned> {
  const { params, context: { registry } } = call;
  if (params.flag('checkNamespaceIdExist', false)) return exists(call);
  if (params.text('show') === 'all') return detail(call);
  const visible = [...namespaceNames(registry.state)].filter((name) => name === defaultNamespace || call.caller.authorizer.allowsNamespace(name, 'read'));
  const counts = new Map<string, number>();
  for (const name of visible) counts.set(name, await call.inTurns((pace) => counting(call, name, pace)));
  const views = visible.map((name) => view(name, findNamespace(registry.state, name), counts.get(name) ?? 0));
  return format === 'plain' ? { code: 200, message: null, data: views } : views;
}

function* counting(call: Call, namespace: string, pace: { spend(units: number): boolean }): Generator<undefined, number, undefined> {
  let count = 0;
  for (const row of [...configsIn(call.context.registry.state, namespace)]) {
    if (nameOf(row) !== undefined && isPublished(row)) count++;
    if (pace.spend(0.1)) yield;
  }
  return count;
}

function view(name: string, row: NamespaceRow | undefined, configCount: number): object {
  const shown = row === undefined ? undefined : kept(row)['name'];
  const isDefault = name === defaultNamespace;
  return {
    ...{ namespace: fromNamespace(name), namespaceShowName: typeof shown === 'string' ? shown : fromNamespace(name) },
    ...{ namespaceDesc: row?.description ?? (isDefault ? 'Default Namespace' : ''), quota: 200, configCount, type: isDefault ? 0 : 2 },
  };
}

/** Whether a namespace with the id exists. */
export function exists(call: Call): Returned {
  const name = call.seen(call.params.text(['customNamespaceId', 'namespaceId']));
  return name === defaultNamespace || findNamespace(call.context.registry.state, name) !== undefined;
}

/** One namespace. */
export async function detail(call: Call): Promise<Returned> {
  const name = call.namespace();
  const row = findNamespace(call.context.registry.state, name);
  if (name !== defaultNamespace && (row === undefined || !call.caller.authorizer.allowsNamespace(name, 'read'))) throw missing(name);
  return view(name, row, await call.inTurns((pace) => counting(call, name, pace)));
}

function missing(name: string): NacosError {
  return new NacosError('not_found', `namespace '${fromNamespace(name).replace(/^-/, '')}' does not exist`, nacosCodes.namespaceNotFound);
}

/** `POST namespaces` */
export async function create(call: Call): Promise<Returned> {
  const { params, context: { registry, security: { acl } } } = call;
  const id = params.text(['customNamespaceId', 'namespaceId']) || randomUUID();
  const name = toNamespace(id);
  call.about = name;
  const shown = readShown(call, params.required(['namespaceName', 'namespaceShowName']));
  acl.authorizeNamespace(call.caller, name, 'write');
  if (name === defaultNamespace || findNamespace(registry.state, name) !== undefined) {
    throw new NacosError('invalid_argument', `namespaceId [${id}] already exist.`, nacosCodes.namespaceExists);
  }
  await registry.submit({ kind: 'namespace-put', name, ...shown });
  return true;
}

/** `PUT namespaces` */
export async function update(call: Call): Promise<Returned> {
  const { params, context: { registry, security: { acl } } } = call;
  const name = toNamespace(params.required(['namespace', 'namespaceId']));
  call.about = name;
  const shown = readShown(call, params.required(['namespaceShowName', 'namespaceName']));
  acl.authorizeNamespace(call.caller, name, 'write');
  const row = findNamespace(registry.state, name);
  if (row === undefined && name !== defaultNamespace) throw missing(name);
  await registry.submit({ kind: 'namespace-put', name, ...(row === undefined ? {} : { meta: row.meta }), ...shown });
  return true;
}

/** `DELETE namespaces`: with everything in it. */
export async function remove(call: Call): Promise<Returned> {
  const { params, context: { registry, security: { acl } } } = call;
  const name = toNamespace(params.required('namespaceId'));
  call.about = name;
  acl.authorizeNamespace(call.caller, name, 'write');
  if (name === defaultNamespace) throw invalid("namespace 'public' cannot be deleted");
  await registry.submit({ kind: 'namespace-delete', name });
  return true;
}

function readShown({ params }: Call, name: string) {
  const description = params.text(['namespaceDesc', 'namespaceDescription']);
  if (name.length > showNameMax || /[@#$%^&*]/.test(name)) throw invalid(`namespaceName is illegal: use at most ${showNameMax} characters, none of @#$%^&*`);
  if (description.length > descriptionMax) throw invalid(`namespaceDesc has ${description.length} characters, the limit is ${descriptionMax}`);
  return { description, ...keep({ name }) };
}
