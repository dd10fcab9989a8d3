/**
 * The rules for which Consul has names: the built-in policies, service and node identities, and templated
 * policies (https://developer.hashicorp.com/consul/docs/security/acl/acl-templated-policies).
 */

import { quote } from '../filter/go-string.ts';
import { refused } from './access-error.ts';
import { isShared, namedResources, scalarResources, type NamedResource, type NamedRule, type Rules, type ScopeRules } from './rules.ts';
import { managementPolicyId } from './well-known.ts';

export interface BuiltinPolicy {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly rules: string;
}

export const builtinPolicies: readonly BuiltinPolicy[] = [
  {
    id: managementPolicyId,
    name: 'global-management',
    description: 'A built-in policy that grants read and write access to all features',
    rules: everything('write'),
  },
  {
    id: '00000000-0000-0000-0000-000000000002',
    name: 'builtin/global-read-only',
    description: 'A built-in policy that grants read-only access to all features',
    rules: everything('read'),
  },
];

/** The policy that each new namespace has. */
export const namespacePolicy = {
  name: 'namespace-management',
  description: 'Lets its tokens read and write everything in this namespace, and read nodes',
  rules: namespaceRulesText('write'),
};

/** Rules for every resource in every namespace, as text, because policies are stored and shown as text. */
function everything(level: 'read' | 'write'): string {
  // Consul's own text has no rules for identities.
  const named = namedResources.filter((resource) => resource !== 'identity');
  const own = [...scalarResources.map((resource) => `${resource} = "${level}"`), ...named.map((resource) => wholeRule(resource, level))];
  return [...own, `namespace_prefix "" {`, indented(`policy = "${level}"\n${namespaceRulesText(level)}`), '}'].join('\n');
}

/** Rules for everything inside a namespace, without the resources that all namespaces share. */
function namespaceRulesText(level: 'read' | 'write'): string {
  const scalars = scalarResources.filter((resource) => !isShared(resource, 'read')).map((resource) => `${resource} = "${level}"`);
  const named = namedResources.filter((resource) => !isShared(resource, 'read'));
  return [...scalars, ...named.map((resource) => wholeRule(resource, isShared(resource, level) ? 'read' : level))].join('\n');
}

function wholeRule(resource: NamedResource, level: 'read' | 'write'): string {
  const intentions = resource === 'service' ? `\n  intentions = "${level}"` : '';
  return `${resource}_prefix "" {\n  policy = "${level}"${intentions}\n}`;
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

function rule(resource: NamedRule['resource'], name: string, level: NamedRule['level']): NamedRule {
  return { resource, name, prefix: false, level };
}

function prefix(resource: NamedRule['resource'], level: NamedRule['level']): NamedRule {
  return { resource, name: '', prefix: true, level };
}

/** @param everywhere rules for all namespaces */
function rules(named: readonly NamedRule[], scalar: Rules['scalar'] = {}, everywhere: readonly NamedRule[] = []): Rules {
  const namespaces = everywhere.length === 0 ? [] : [{ name: '', prefix: true, rules: { scalar: {}, named: everywhere } }];
  return { scalar, named, namespaces, ignored: [] };
}

/** Lets a service register itself and its proxy, discover the other services of its namespace, and read its own configurations. */
export function serviceIdentityRules(service: string): Rules {
  return rules([
    { resource: 'config', name: `${service}/`, prefix: true, level: 'read' },
    rule('service', service, 'write'),
    rule('service', `${service}-sidecar-proxy`, 'write'),
    prefix('service', 'read'),
    prefix('node', 'read'),
  ]);
}

/** Lets an agent register its node. All namespaces share nodes, so it sees the services of every namespace, as in Consul Enterprise. */
export function nodeIdentityRules(node: string): Rules {
  return rules([rule('node', node, 'write'), prefix('service', 'read')], {}, [prefix('service', 'read')]);
}

interface Template {
  readonly description: string;
  /** Whether it takes the variable `Name`. */
  readonly named: boolean;
  readonly rules: (name: string) => Rules;
}

const dnsRules = [prefix('node', 'read'), prefix('service', 'read'), prefix('query', 'read')];

const templates: Readonly<Record<string, Template>> = {
  'builtin/service': {
    description: 'Lets a service register itself and its proxy, and discover other services.',
    named: true,
    rules: serviceIdentityRules,
  },
  'builtin/node': {
    description: 'Lets an agent register its node and see all services.',
    named: true,
    rules: nodeIdentityRules,
  },
  'builtin/dns': {
    description: 'Lets DNS answer for all services, nodes and prepared queries.',
    named: false,
    rules: () => rules(dnsRules, {}, dnsRules),
  },
  'builtin/nomad-server': {
    description: 'The permissions that a Nomad server needs.',
    named: false,
    rules: () => rules([prefix('agent', 'read'), prefix('node', 'read'), prefix('service', 'write')], { acl: 'write' }),
  },
  'builtin/nomad-client': {
    description: 'The permissions that a Nomad client needs.',
    named: false,
    rules: () => rules([prefix('agent', 'read'), prefix('node', 'read'), prefix('service', 'write'), prefix('key', 'read')]),
  },
  'builtin/api-gateway': {
    description: 'The permissions that an API gateway needs.',
    named: true,
    rules: (name) =>
      rules([prefix('node', 'read'), prefix('service', 'read'), rule('service', name, 'write')], { mesh: 'read' }),
  },
  'builtin/workload-identity': {
    description: 'Lets a workload have an identity.',
    named: true,
    rules: (name) => rules([rule('identity', name, 'write')]),
  },
};

export interface TemplateInfo {
  readonly name: string;
  readonly description: string;
  readonly named: boolean;
}

/** All templated policies. */
export function templateList(): TemplateInfo[] {
  return Object.entries(templates).map(([name, { description, named }]) => ({ name, description, named }));
}

/**
 * The rules of a templated policy.
 * @param name the variable `Name`; some templates take none
 * @throws RegistryError `invalid_argument` if the template does not exist, or its variable is missing
 */
export function templateRules(template: string, name: string | undefined): Rules {
  const found = Object.hasOwn(templates, template) ? templates[template] : undefined;
  if (found === undefined) throw refused('unknown template', { template });
  if (found.named && (name === undefined || name === '')) throw refused('template without name', { template });
  return found.rules(name ?? '');
}

/** Rules as text, for a preview. */
export function printRules({ namespaces, ...own }: Rules): string {
  const blocks = namespaces.map(
    ({ name, prefix: isPrefix, rules: inner }) => `namespace${isPrefix ? '_prefix' : ''} ${quote(name)} {\n${indented(printScope(inner))}\n}`,
  );
  return [printScope(own), ...blocks].filter((text) => text !== '').join('\n');
}

function printScope({ scalar, named }: ScopeRules): string {
  const scalars = Object.entries(scalar).map(([resource, level]) => `${resource === 'namespace' ? 'policy' : resource} = "${level}"`);
  return [...scalars, ...named.map(printRule)].join('\n');
}

/** One rule as text. */
export function printRule({ resource, name, prefix: isPrefix, level, intentions, grants = [] }: NamedRule): string {
  const policy = resource === 'config' && level === 'write' ? ['edit', ...grants].join(', ') : [level, ...grants].join(', ');
  const extra = intentions === undefined ? '' : `\n  intentions = "${intentions}"`;
  return `${resource}${isPrefix ? '_prefix' : ''} ${quote(name)} {\n  policy = "${policy}"${extra}\n}`;
}
