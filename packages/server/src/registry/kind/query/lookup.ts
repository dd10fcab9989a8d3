/**
 * Finds prepared queries by id or name, and fills templates in. Names come from any caller, so what a lookup
 * costs does not depend on how many queries there are: the index is built when a query has changed.
 */

import { RegistryError } from '@rollcall/protocol';
import type { Registry } from '../../registry.ts';
import { allQueries, findQuery } from './find.ts';
import type { PreparedQuery, QueryRow } from './rows.ts';
import { compileTemplate, type QueryTemplate } from './template.ts';
import { queriesView } from './views.ts';

export interface FoundQuery {
  readonly row: QueryRow;
  /** With its template filled in. */
  readonly query: PreparedQuery;
}

interface Index {
  readonly revision: number;
  /** In lower case. */
  readonly names: ReadonlyMap<string, QueryRow>;
  /** By prefix in lower case. */
  readonly templates: ReadonlyMap<string, QueryRow>;
  /** Lengths of the prefixes, the longest first. */
  readonly lengths: readonly number[];
  /** By id; compiled when one is used first. */
  readonly compiled: Map<string, QueryTemplate>;
}

/** Longer names do not exist; HTTP allows them, DNS does not. */
const nameLengthMax = 1_024;

export class PreparedQueries {
  readonly #registry: Registry;
  /** By namespace; only of those that exist. */
  readonly #indexes = new Map<string, Index>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Rises with every change of a query of the namespace. */
  revision(namespace: string): number {
    return this.#registry.views.revision(queriesView(namespace));
  }

  /**
   * By id, by name, or by the template with the longest prefix of the name; without regard to case.
   * @throws RegistryError `invalid_argument` for the id of a template; `resource_exhausted` when a template takes
   *   too long
   */
  find(namespace: string, idOrName: string): FoundQuery | undefined {
    if (idOrName === '' || idOrName.length > nameLengthMax) return undefined;
    const byId = findQuery(this.#registry.state, namespace, idOrName);
    if (byId !== undefined) {
      if (byId.query.template.type === '') return { row: byId, query: byId.query };
      throw new RegistryError('invalid_argument', `query ${idOrName} is a template: ask for a name that it stands for, not for its id`);
    }
    const { names, templates, lengths, compiled } = this.#current(namespace);
    const name = idOrName.toLowerCase();
    const exact = names.get(name);
    if (exact !== undefined) return this.#filled(exact, idOrName, compiled);
    for (const length of lengths) {
      if (length > name.length) continue;
      const row = templates.get(name.slice(0, length));
      if (row !== undefined) return this.#filled(row, idOrName, compiled);
    }
    return undefined;
  }

  #filled(row: QueryRow, name: string, compiled: Map<string, QueryTemplate>): FoundQuery {
    const { query } = row;
    if (query.template.type === '') return { row, query };
    let template = compiled.get(row.id);
    if (template === undefined) compiled.set(row.id, (template = compileTemplate(query)));
    return { row, query: template.render(name) };
  }

  #current(namespace: string): Index {
    const revision = this.revision(namespace);
    const known = this.#indexes.get(namespace);
    if (known?.revision === revision) return known;
    const names = new Map<string, QueryRow>();
    const templates = new Map<string, QueryRow>();
    for (const row of allQueries(this.#registry.state, namespace)) {
      const { name, template } = row.query;
      if (name !== '') names.set(name.toLowerCase(), row);
      if (template.type === 'prefix') templates.set(name.toLowerCase(), row);
    }
    const lengths = [...new Set([...templates.keys()].map(({ length }) => length))].sort((a, b) => b - a);
    const index = { revision, names, templates, lengths, compiled: new Map() };
    // Names of namespaces come from requests: an index of nothing is not kept.
    if (names.size + templates.size > 0) this.#indexes.set(namespace, index);
    else this.#indexes.delete(namespace);
    return index;
  }
}
