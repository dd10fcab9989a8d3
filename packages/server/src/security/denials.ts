/**
 * Explains denials to people: who lacks which permission, which rule decides, and who can grant it. It decides nothing, and never tells a secret
 * or the id of another token. Who can grant is told only to callers that have brought a token.
 */

import { isRegistryError, type ExplainedDenial } from '@rollcall/protocol';
import { LRUCache } from 'lru-cache';
import { decidingRule, type CallerRules, type Question } from './deciding-rule.ts';
import type { DefaultPolicy } from './authorizer.ts';
import { shownNamespace } from './hidden-namespace.ts';
import type { PermissionHolders } from './holders.ts';
import type { Denial } from './reasons.ts';
import type { Token } from './records.ts';
import { counted, type Rights } from './rights.ts';
import type { AclStore } from './store.ts';
import { anonymousAccessor } from './well-known.ts';

export interface DenialsOptions {
  readonly store: AclStore;
  readonly rights: Rights;
  readonly holders: PermissionHolders;
  readonly defaultPolicy: DefaultPolicy;
}

const namedMax = 5;
/** Policies looked at, and characters of their rules: some 30 ms if none of them was read before. */
const policiesMax = 200;
const charactersMax = 32_768;
/** Questions whose policies are kept. */
const questionsMax = 1_000;

export class Denials {
  readonly #options: DenialsOptions;
  readonly #policies = new LRUCache<string, readonly string[]>(counted(questionsMax));

  constructor(options: DenialsOptions) {
    this.#options = options;
  }

  /** Policies or roles have changed. */
  changed(): void {
    this.#policies.clear();
  }

  /**
   * @param hasToken whether the caller has brought the token itself
   * @returns undefined if the token was deleted, or its rules cannot be read
   */
  explain({ accessorId, namespace: given, resource, verb, name }: Denial, hasToken: boolean): ExplainedDenial | undefined {
    const token = this.#options.store.tokenAnywhere(accessorId);
    if (token === undefined) return undefined;
    const question = { namespace: shownNamespace(given), resource, verb, name };
    const rules = this.#rulesOf(token);
    if (rules === undefined) return undefined;
    const { allowed, rule } = decidingRule(rules, this.#options.defaultPolicy, question);
    return {
      subject: subjectOf(accessorId, token.description),
      ...question,
      // A request for everything under a prefix, say, needs more than the rule for the prefix.
      rule: allowed ? { source: 'several rules', text: `the request needs ${resource}:${verb} on more names than one, and a rule denies some of them` } : rule,
      ...(hasToken ? { grantors: { tokens: this.#tokensThatGrant(question.namespace), policies: this.#policiesThatAllow(token, question) } } : {}),
    };
  }

  /** A policy that cannot be read refuses the token altogether. */
  #rulesOf(token: Token): CallerRules | undefined {
    try {
      return this.#options.rights.rulesOf(token);
    } catch (error) {
      if (isRegistryError(error)) return undefined;
      throw error;
    }
  }

  #tokensThatGrant(namespace: string): readonly string[] {
    const { tokens } = this.#options.holders.of({ namespace, resource: 'acl', verb: 'write', name: '' });
    return [...new Set(tokens.map(({ description }) => description).filter((each) => each !== ''))].slice(0, namedMax);
  }

  /** Policies count for the tokens of their own namespace. */
  #policiesThatAllow({ namespace }: Token, question: Question): readonly string[] {
    const key = JSON.stringify([namespace, question]);
    const known = this.#policies.get(key);
    if (known !== undefined) return known;
    const { store, rights } = this.#options;
    const shortestFirst = store.policies(namespace).sort((a, b) => a.rules.length - b.rules.length || (a.name < b.name ? -1 : 1));
    const found: string[] = [];
    let characters = 0;
    for (const { id, name, rules } of shortestFirst.slice(0, policiesMax)) {
      characters += rules.length;
      if (found.length >= namedMax || characters > charactersMax) break;
      const direct = rights.rulesOfPolicy(namespace, id).map((each) => ({ namespace, rules: each, source: name }));
      if (decidingRule({ direct, added: [] }, 'deny', question).allowed) found.push(name);
    }
    this.#policies.set(key, found);
    return found;
  }
}

/** A caller in the words of people. */
export function subjectOf(accessorId: string, description: string): string {
  return accessorId === anonymousAccessor ? 'the anonymous token' : description || `token ${accessorId}`;
}
