/**
 * The rows of configurations in one state, that of today or one of the past: what clients get, history, drafts, proposals and the rules of environments.
 * Rights are the caller's business.
 */

import type { ConfigReader } from '../registry/kind/config/given.ts';
import type { IndexedRows } from '../registry/kind/config/identity.ts';
import { draftsIn, environmentsOf, environmentStepsOf, findConfig, findDraft, findProposal, findRelease, historyOf, proposalsIn } from '../registry/kind/config/find.ts';
import { candidatesFor, choose, resolve, viewsOf, type Candidates, type ConfigName, type Place, type Resolved } from '../registry/kind/config/resolve.ts';
import type { ConfigRef, ConfigRow, DraftRow, EnvironmentRow, EnvironmentStepRow, ProposalRow, ReleaseRow } from '../registry/kind/config/rows.ts';

export interface Current {
  readonly row: ConfigRow;
  /** What all clients get; absent while only rollouts exist, or after a removal. */
  readonly release: ReleaseRow | undefined;
}

export class ConfigRows {
  readonly #state: IndexedRows;

  constructor(state: IndexedRows) {
    this.#state = state;
  }

  /** What a client gets that asks an app's configuration by name. */
  resolve(name: ConfigName, reader: ConfigReader): Resolved {
    return resolve(this.#state, name, reader);
  }

  /** The rows that all clients of a place get it from, for a caller that resolves it for many: the same until one of `viewsOf` changes. */
  candidatesFor(name: ConfigName, place: Place): Candidates {
    return candidatesFor(this.#state, name, place);
  }

  /** What one client gets of them. */
  choose(candidates: Candidates, reader: ConfigReader): Resolved {
    return choose(this.#state, candidates, reader);
  }

  /** Names of the views that show a change of what `resolve` gives. */
  viewsOf(name: ConfigName, place: Place): string[] {
    return viewsOf(this.#state, name, place);
  }

  /** @returns undefined when there is no such configuration */
  get(ref: ConfigRef): Current | undefined {
    const state = this.#state;
    const row = findConfig(state, ref);
    return row && { row, release: findRelease(state, row, row.release) };
  }

  /** The steps that are kept, the newest first. */
  history(ref: ConfigRef): readonly ReleaseRow[] {
    const state = this.#state;
    const row = findConfig(state, ref);
    return row === undefined ? [] : [...historyOf(state, row)];
  }

  release(ref: ConfigRef, number: number): ReleaseRow | undefined {
    return findRelease(this.#state, ref, number);
  }

  draft(ref: ConfigRef): DraftRow | undefined {
    return findDraft(this.#state, ref);
  }

  drafts(namespace: string): Iterable<DraftRow> {
    return draftsIn(this.#state, namespace);
  }

  proposal(ref: ConfigRef, number: number): ProposalRow | undefined {
    return findProposal(this.#state, ref, number);
  }

  proposals(namespace: string): Iterable<ProposalRow> {
    return proposalsIn(this.#state, namespace);
  }

  environments(): readonly EnvironmentRow[] {
    return [...environmentsOf(this.#state)].sort((a, b) => a.order - b.order || (a.namespace < b.namespace ? -1 : 1));
  }

  /** Changes of the rules of an environment, the newest first. */
  environmentHistory(namespace: string): readonly EnvironmentStepRow[] {
    return [...environmentStepsOf(this.#state, namespace)].sort((a, b) => b.number - a.number);
  }
}
