/** Answers questions about rights, for people: what a token may do with a name, and which tokens may do one thing. The rules decide; this file only asks. */

import { isRegistryError, RegistryError, type CanI, type RightsCell, type RightsMatrix, type WhoMay } from '@rollcall/protocol';
import { inTurns } from '../../in-turns.ts';
import type { Acl, Caller } from '../../security/acl.ts';
import type { Resource, Verb } from '../../security/authorizer.ts';
import { decidingRule } from '../../security/deciding-rule.ts';
import { refused } from '../../security/access-error.ts';
import { subjectOf } from '../../security/denials.ts';
import { hasEnded, type Token } from '../../security/records.ts';
import { configGrants, configWords, namedResources, scalarResources } from '../../security/rules.ts';

/** In the order in which they are shown. */
export const askedResources: readonly Resource[] = ['service', 'intention', 'node', 'key', 'config', ...configGrants.map((grant) => `config-${grant}` as const), 'lock', ...namedResources.filter((name) => !['service', 'node', 'key', 'config', 'lock', 'identity'].includes(name)), ...scalarResources];
export const askedVerbs: readonly Verb[] = ['read', 'list', 'write'];

/** Tokens that are shown; the others are counted. */
const tokensShown = 100;
/** Compiling the rules of a token or policy takes up to a millisecond, once for each set of rules. */
const rulesPerTurn = 20;
const policiesShown = 20;

interface OfToken {
  /** Of a token; undefined for the caller's own. */
  readonly accessorId: string | undefined;
  readonly namespace: string;
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** @throws AccessError when the token does not exist, has ended, or is another one and the caller may not read it */
export function matrix(acl: Acl, caller: Caller, { name, ...of }: OfToken): RightsMatrix {
  const token = tokenOf(acl, caller, of);
  const { namespace } = of;
  const rules = acl.rights.rulesOf(token);
  const cells = askedResources.flatMap((resource) =>
    askedVerbs.filter((verb) => verb !== 'list' || resource === 'key').map((verb): RightsCell => ({ resource, verb, ...decidingRule(rules, acl.defaultPolicy, { namespace, resource, verb, name }) })),
  );
  return { subject: token.description || `Token ${token.accessorId.slice(0, 8)}`, cells };
}

/** One cell of the matrix, and who can grant it. @throws AccessError as `matrix` */
export function canI(acl: Acl, caller: Caller, { resource, verb, name, ...of }: OfToken & { readonly resource: Resource; readonly verb: Verb }): CanI {
  const token = tokenOf(acl, caller, of);
  const question = { namespace: of.namespace, resource, verb, name };
  const { allowed, rule } = decidingRule(acl.rights.rulesOf(token), acl.defaultPolicy, question);
  const grantors = allowed ? undefined : acl.explain({ ...question, accessorId: token.accessorId })?.grantors;
  return { subject: subjectOf(token.accessorId, token.description), ...question, allowed, rule, ...(grantors === undefined ? {} : { grantors }) };
}

function tokenOf(acl: Acl, caller: Caller, { accessorId, namespace, now }: Omit<OfToken, 'name'>): Token {
  const token = acl.store.tokenAnywhere(accessorId ?? caller.accessorId);
  if (accessorId !== undefined && accessorId !== caller.accessorId) acl.authorize(caller, token?.namespace ?? namespace, 'acl', 'read');
  if (token === undefined || hasEnded(token, now)) throw refused('missing', { what: 'token' });
  return token;
}

/** Tokens of a namespace that may do one thing in it. */
export async function who(acl: Acl, { namespace, resource, verb, name, now }: { readonly namespace: string; readonly resource: Resource; readonly verb: Verb; readonly name: string; readonly now: number }): Promise<WhoMay> {
  const question = { namespace, resource, verb, name };
  const may: Token[] = [];
  const policies: WhoMay['policies'][number][] = [];
  let count = 0;
  await inTurns((function* () {
    for (const token of [...acl.store.eachToken(namespace)]) {
      if (!hasEnded(token, now) && allows(acl, token, question)) {
        count++;
        if (may.length < tokensShown) may.push(token);
      }
      yield;
    }
    for (const { id, name: source } of acl.store.policies(namespace)) {
      const direct = acl.rights.rulesOfPolicy(namespace, id).map((rules) => ({ namespace, rules, source }));
      const { allowed, rule } = decidingRule({ direct, added: [] }, 'deny', question);
      if (allowed && policies.length < policiesShown) policies.push({ name: source, text: rule.text });
      yield;
    }
  })(), rulesPerTurn);
  return {
    tokens: may.map((token) => ({ accessorId: token.accessorId, description: token.description, rule: decidingRule(acl.rights.rulesOf(token), acl.defaultPolicy, question).rule })),
    count,
    policies,
  };
}

/** A token whose policies cannot be read may do nothing. */
function allows(acl: Acl, token: Token, { namespace, resource, verb, name }: { readonly namespace: string; readonly resource: Resource; readonly verb: Verb; readonly name: string }): boolean {
  try {
    return acl.rights.authorizerOf(token).allows(namespace, resource, verb, name);
  } catch (error) {
    if (isRegistryError(error)) return false;
    throw error;
  }
}

/** @throws RegistryError `invalid_argument` */
export function questionIn(params: URLSearchParams): { readonly resource: Resource; readonly verb: Verb; readonly name: string } {
  const name = params.get('name') ?? '';
  const word = params.get('verb') ?? '';
  // Configurations are asked about in the words of rules, too.
  if (params.get('resource') === 'config' && Object.hasOwn(configWords, word)) return { ...configWords[word as keyof typeof configWords], name };
  const resource = askedResources.find((each) => each === params.get('resource'));
  const verb = askedVerbs.find((each) => each === word);
  if (resource === undefined) throw new RegistryError('invalid_argument', `resource must be one of ${askedResources.join(', ')}`);
  if (verb === undefined) throw new RegistryError('invalid_argument', `verb must be one of ${askedVerbs.join(', ')}, or for a config ${Object.keys(configWords).join(', ')}`);
  return { resource, verb, name };
}
