/**
 * Patterns by which clients of Nacos 3 watch the services of a namespace: `NAMESPACE>>GROUP>>SERVICE`, where the group and the service may
 * begin or end with `*`. Pure.
 *
 * Source: `FuzzyGroupKeyPattern` in github.com/alibaba/nacos.
 */

import { invalid, toNamespace, type ServiceName } from '../names.ts';

const splitter = '>>';
const lengthMax = 1_024;

export interface FuzzyPattern {
  /** As the client has written it; it names the watch. */
  readonly text: string;
  readonly namespace: string;
  /** As the client has written it; keys of services begin with it. */
  readonly namespaceId: string;
  readonly group: string;
  readonly service: string;
}

/** @throws RegistryError `invalid_argument` */
export function readPattern(text: string): FuzzyPattern {
  const parts = text.length > lengthMax ? [] : text.split(splitter);
  const [namespaceId = '', group = '', service = ''] = parts;
  if (parts.length !== 3 || group === '' || service === '') {
    throw invalid(`Param 'groupKeyPattern' is illegal: '${text.slice(0, 80)}' is not NAMESPACE>>GROUP>>SERVICE in at most ${lengthMax} characters.`);
  }
  return { text, namespace: toNamespace(namespaceId), namespaceId, group, service };
}

export function matches({ group, service }: FuzzyPattern, name: ServiceName): boolean {
  return partMatches(group, name.group) && partMatches(service, name.name);
}

function partMatches(pattern: string, value: string): boolean {
  if (pattern === '*') return true;
  const [begins, ends] = [pattern.endsWith('*'), pattern.startsWith('*')];
  const middle = pattern.slice(ends ? 1 : 0, begins ? -1 : undefined);
  if (begins && ends) return value.includes(middle);
  if (begins) return value.startsWith(middle);
  return ends ? value.endsWith(middle) : value === middle;
}

/** The key of a service in the messages of a watch. */
export function keyOf({ namespaceId }: FuzzyPattern, { group, name }: ServiceName): string {
  return `${namespaceId}@@${group}@@${name}`;
}

/** The service of a key; undefined when it is none of the pattern. */
export function nameOf({ namespaceId }: FuzzyPattern, key: string): ServiceName | undefined {
  const [namespace, group, ...name] = key.split('@@');
  if (namespace !== namespaceId || group === undefined || group === '' || name.length !== 1 || name[0] === undefined || name[0] === '') return undefined;
  return { group, name: name[0] };
}
