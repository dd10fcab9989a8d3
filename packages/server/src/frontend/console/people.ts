/** The people of the newest activity, for the search: who a line of the audit log can be about. It keeps them for some seconds, since a search asks with each letter. */

import { defaultNamespace } from '@rollcall/protocol';
import type { Context } from '../../net/frontend.ts';
import type { Caller } from '../../security/acl.ts';
import type { Person } from './search.ts';

/** All nodes are asked this often, however many letters are typed. */
const keptMs = 10_000;
/** The newest lines, of all nodes. */
const linesMax = 2_000;

export class People {
  readonly #context: Pick<Context, 'activity' | 'clock' | 'security'>;
  #kept: { readonly atMs: number; readonly ids: Promise<readonly string[]> } | undefined;

  constructor(context: Pick<Context, 'activity' | 'clock' | 'security'>) {
    this.#context = context;
  }

  /** Empty for a caller who may not read the activity, and without access control. Names are for callers with `acl:read` in the namespace of the token. */
  async of({ authorizer }: Caller): Promise<readonly Person[]> {
    const { acl } = this.#context.security;
    if (!acl.enabled || !authorizer.allows(defaultNamespace, 'operator', 'read')) return [];
    return (await this.#ids()).map((accessorId) => {
      const token = acl.store.tokenAnywhere(accessorId);
      return { accessorId, name: token !== undefined && authorizer.allows(token.namespace, 'acl', 'read') ? token.description : '' };
    });
  }

  #ids(): Promise<readonly string[]> {
    const { activity, clock } = this.#context;
    if (this.#kept === undefined || clock.now() - this.#kept.atMs >= keptMs) {
      const ids = activity.find({ filter: { kinds: [] }, limit: linesMax }).then(
        ({ lines }) => [...new Set(lines.map(({ accessorId }) => accessorId))].filter((each) => each !== ''),
        // A search finds everything else without them; the page Activity says why they cannot be read.
        () => [],
      );
      this.#kept = { atMs: clock.now(), ids };
    }
    return this.#kept.ids;
  }
}
