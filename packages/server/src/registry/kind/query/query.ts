/**
 * Prepared queries: questions about a service that are kept under a name
 * (https://developer.hashicorp.com/consul/api-docs/query), and the decision to keep one. Finding one by a
 * name is `lookup.ts`, answering it `execution.ts`.
 *
 * They are generic records in the spelling of the protocol that they come from. One that is bound to a
 * session goes with it.
 */

import { RegistryError } from '@rollcall/protocol';
import { queryType } from '../record/bound.ts';
import type { Draft } from '../../draft.ts';
import { find } from '../../reader.ts';
import type { Json, RecordRow } from '../../rows.ts';

/** The only kind of template: for all names that start with the query's. */
export const templateType = 'name_prefix_match';

export interface PreparedQuery {
  readonly Name: string;
  /** Id of the session that it goes with; empty for none. */
  readonly Session: string;
  /** Public id of the token with whose rights it is executed; those of who executes it when there is none. */
  readonly Accessor?: string;
  /** `Type` empty: no template. */
  readonly Template: { readonly Type: string; readonly Regexp: string; readonly RemoveEmptyTags: boolean };
  readonly Service: PreparedService;
  /** A duration as Go writes it; empty for the default. */
  readonly DNS: { readonly TTL: string };
}

export interface PreparedService {
  readonly Service: string;
  readonly Failover: Failover;
  readonly OnlyPassing: boolean;
  /** Checks that do not count; they are shown all the same. */
  readonly IgnoreCheckIDs: readonly string[];
  /** Name of the node whose nearest instances come first, `_agent`, `_ip`, or empty for a random order. */
  readonly Near: string;
  /** All of them, and none of those after a `!`; without regard to case. */
  readonly Tags: readonly string[];
  readonly NodeMeta: Readonly<Record<string, string>>;
  readonly ServiceMeta: Readonly<Record<string, string>>;
  readonly Connect: boolean;
}

/** Where else to ask when nothing is found. There is one datacenter, so it is kept and never helps. */
export interface Failover {
  readonly NearestN: number;
  readonly Datacenters: readonly string[] | null;
  readonly Targets: readonly { readonly Peer: string; readonly Datacenter: string }[] | null;
}

/** Writes a prepared query. */
export interface QueryPut {
  readonly kind: 'query-put';
  readonly namespace: string;
  readonly id: string;
  readonly query: PreparedQuery;
  /** It must exist: false when it does not, and nothing was written. */
  readonly update: boolean;
}

export function queryOf({ value }: Pick<RecordRow, 'value'>): PreparedQuery {
  return value as unknown as PreparedQuery;
}

/**
 * @throws RegistryError `failed_precondition` when its session does not exist; `invalid_argument` when
 *   another query has its name; in Consul's words
 */
export function putQuery(draft: Draft, { namespace, id, query, update }: QueryPut): boolean {
  if (update && find.record(draft, namespace, queryType, id) === undefined) return false;
  const { Session, Name } = query;
  if (Session !== '' && find.liveSession(draft, namespace, Session) === undefined) {
    throw new RegistryError('failed_precondition', `invalid session "${Session.slice(0, 80)}"`);
  }
  const nameless = Name === '' && query.Template.Type === '';
  if (!nameless) checkName(draft, namespace, id, Name);
  draft.put({ kind: 'record', namespace, type: queryType, id, value: query as unknown as Json, created: 0, modified: 0 });
  return true;
}

/** Names are found without regard to case, those of templates and of other queries alike. */
function checkName(draft: Draft, namespace: string, id: string, name: string): void {
  const folded = name.toLowerCase();
  for (const row of find.records(draft, namespace, queryType)) {
    const { Name, Template } = queryOf(row);
    if (row.id === id || Name.toLowerCase() !== folded || (Name === '' && Template.Type === '')) continue;
    const message =
      name === '' ? 'a query template with an empty name already exists' : `name '${name}' aliases an existing query name`;
    throw new RegistryError('invalid_argument', message);
  }
}
