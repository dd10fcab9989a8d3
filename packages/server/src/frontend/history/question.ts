/** Reads what a request asks for from its query. Pure. */

import { configNameParts, defaultNamespace, isNamespaceName, RegistryError, type FrameView } from '@rollcall/protocol';
import { requestNamespace } from '../../net/request-namespace.ts';
import type { RoutedCall } from '../../net/routed-frontend.ts';
import { namespaceFor } from '../../security/hidden-namespace.ts';
import { viewKinds } from './routes.ts';

/** The query of a request. */
export function queryOf({ exchange: { query } }: RoutedCall): URLSearchParams {
  return new URLSearchParams(query);
}

/** That of the query, else as `requestNamespace`. @throws RegistryError `invalid_argument` */
export function namespaceOf(call: RoutedCall, query: URLSearchParams): string {
  const named = query.get('namespace') ?? '';
  if (named === '') return requestNamespace(call.caller, call.exchange);
  if (!isNamespaceName(named)) throw new RegistryError('invalid_argument', `namespace ${JSON.stringify(named.slice(0, 80))} is not a DNS label of letters, digits and hyphens, 63 characters at most`);
  return namespaceFor(call.caller, named);
}

/** A view, with the namespace in which it is looked up. @throws RegistryError `invalid_argument` */
export function viewOf(call: RoutedCall, query: URLSearchParams): FrameView {
  const given = query.get('kind') ?? '';
  const kind = viewKinds.find((each) => each === given);
  if (kind === undefined) throw new RegistryError('invalid_argument', `kind is ${JSON.stringify(given.slice(0, 80))}; it must be one of ${viewKinds.join(', ')}`);
  const name = query.get('name') ?? '';
  if (name === '' && kind !== 'services' && kind !== 'prefix') throw new RegistryError('invalid_argument', `name is missing: which ${kind}?`);
  if (kind === 'config' && configNameParts(name) === undefined) throw new RegistryError('invalid_argument', `name is ${JSON.stringify(name.slice(0, 80))}; a configuration is APP/NAME`);
  const namespace = namespaceOf(call, query);
  const cluster = query.get('cluster') ?? '';
  return { kind, name: kind === 'services' ? '' : name, ...(namespace === defaultNamespace ? {} : { namespace }), ...(cluster === '' ? {} : { cluster }) };
}

/** A whole number of the query. @throws RegistryError `invalid_argument` */
export function numberOf(query: URLSearchParams, name: string, { usual, min, max }: { readonly usual: number; readonly min: number; readonly max: number }): number {
  const text = query.get(name) ?? '';
  if (text === '') return usual;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || value < min || value > max) throw new RegistryError('invalid_argument', `${name} is ${JSON.stringify(text.slice(0, 40))}; it must be a whole number from ${min} to ${max}`);
  return value;
}

/** A text of the query that must be there. @throws RegistryError `invalid_argument` */
export function textOf(query: URLSearchParams, name: string): string {
  const text = query.get(name) ?? '';
  if (text === '') throw new RegistryError('invalid_argument', `${name} is missing`);
  return text;
}
