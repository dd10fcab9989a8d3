/** Copies prepared queries that have a name; the server assigns ids, so queries without a name cannot be copied. */

import { pick, type Fields } from '../import/http-api.ts';
import type { ConsulRun } from './consul-api.ts';

interface PreparedQuery extends Fields {
  readonly ID: string;
  readonly Name?: string;
  readonly Session?: string;
  readonly Token?: string;
}

export async function importQueries(run: ConsulRun): Promise<void> {
  const there = new Map((await run.to.get<PreparedQuery[]>('/v1/query')).map(({ Name, ID }) => [Name ?? '', ID]));
  for (const query of await run.from.get<PreparedQuery[]>('/v1/query')) {
    const name = query.Name ?? '';
    if (name === '' && query['Template'] === undefined) {
      run.skip('prepared queries', query.ID, 'it has no name, and its id cannot be kept');
      continue;
    }
    if ((query.Session ?? '') !== '') {
      run.skip('prepared queries', name, 'it belongs to a session, and sessions are not copied');
      continue;
    }
    const hidden = query.Token === '<hidden>';
    if (hidden) run.skip('prepared queries', name, 'its token is hidden; reading it needs a management token');
    await run.copy('prepared queries', name, async () => {
      const id = there.get(name);
      const fields = inItsNamespace(run.from.namespace, pick(query, ['Name', 'Service', 'DNS', 'Template', ...(hidden || query.Token === '' ? [] : ['Token'])]));
      await run.write(id === undefined ? 'POST' : 'PUT', `/v1/query${id === undefined ? '' : `/${id}`}`, fields);
    });
  }
}

/** A query of a service in its namespace becomes one of the namespace into which it is written. */
function inItsNamespace(namespace: string, fields: Fields): Fields {
  const { Namespace, ...service } = fields['Service'] as Fields;
  return Namespace === namespace ? { ...fields, Service: service } : fields;
}
