/**
 * Who has a permission: tokens by their description, and roles by their name, for people who look for a colleague that may help. It never tells a secret or
 * shows the id of a token to a caller; the ids in its answers are for the parts of the server that leave some tokens out.
 */

import { defaultNamespace, isRegistryError } from '@rollcall/protocol';
import { LRUCache } from 'lru-cache';
import type { Question } from './deciding-rule.ts';
import { hasEnded } from './records.ts';
import { counted, noGrants, type Rights, type RightsOwner } from './rights.ts';
import type { AclStore } from './store.ts';

export interface Holder {
  readonly accessorId: string;
  /** Empty: it has none. */
  readonly description: string;
}

export interface Holders {
  /** At most 100. */
  readonly tokens: readonly Holder[];
  /** Names of roles; at most 20. Tokens of logins get roles by binding rules. */
  readonly roles: readonly string[];
  /** There may be more of them than were looked at. */
  readonly partial: boolean;
}

export interface HoldersOptions {
  readonly store: AclStore;
  readonly rights: Rights;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

const tokensMax = 100;
const rolesMax = 20;
/** Tokens and roles looked at: some 10 ms, once after each change of a token, policy or role. */
const lookedAtMax = 1_000;
/** Questions whose answers are kept: a request may name any namespace and any thing. */
const questionsMax = 1_000;

export class PermissionHolders {
  readonly #options: HoldersOptions;
  readonly #known = new LRUCache<string, Holders>(counted(questionsMax));

  constructor(options: HoldersOptions) {
    this.#options = options;
  }

  /** Tokens, policies or roles have changed. */
  changed(): void {
    this.#known.clear();
  }

  /** Tokens of the default namespace and of the namespace of the question count; each answer is kept until `changed`, except for the end of tokens. */
  of(question: Question): Holders {
    const key = JSON.stringify([question.namespace, question.resource, question.verb, question.name]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#look(question);
    this.#known.set(key, found);
    return found;
  }

  #look(question: Question): Holders {
    const { store, now } = this.#options;
    const tokens: Holder[] = [];
    const roles: string[] = [];
    let [looked, partial] = [0, false];
    for (const namespace of new Set([defaultNamespace, question.namespace])) {
      for (const token of store.eachToken(namespace)) {
        if (tokens.length >= tokensMax || ++looked > lookedAtMax) {
          partial = true;
          break;
        }
        if (!hasEnded(token, now()) && this.#has(token, question)) tokens.push({ accessorId: token.accessorId, description: token.description });
      }
      for (const { id, name } of store.roles(namespace)) {
        if (roles.length >= rolesMax || ++looked > 2 * lookedAtMax) {
          partial = true;
          break;
        }
        if (this.#has({ ...noGrants, namespace, roles: [id] }, question)) roles.push(name);
      }
    }
    return { tokens, roles: [...new Set(roles)], partial };
  }

  /** A policy that cannot be read refuses the token altogether. */
  #has(owner: RightsOwner, { namespace, resource, verb, name }: Question): boolean {
    try {
      return this.#options.rights.authorizerOf(owner).allows(namespace, resource, verb, name);
    } catch (error) {
      if (isRegistryError(error)) return false;
      throw error;
    }
  }
}
