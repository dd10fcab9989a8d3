/**
 * The one way to configurations for every front end: reading them as a client gets them, publishing, rolling back, and their
 * history. It hashes contents and submits commands; the rules are in the registry (`registry/kind/config/`). Rights are the
 * caller's business.
 */

import { createHash } from 'node:crypto';
import type { ConfigPublish } from '../registry/kind/config/commands.ts';
import { findConfig, findRelease, historyOf } from '../registry/kind/config/find.ts';
import type { ConfigReader } from '../registry/kind/config/given.ts';
import { resolve, viewsOf, type ConfigName, type Resolved } from '../registry/kind/config/resolve.ts';
import type { ConfigRef, ConfigRow, ReleaseRow } from '../registry/kind/config/rows.ts';
import type { Registry } from '../registry/registry.ts';

/** Who does something, and why: for the history. */
export interface Author {
  readonly by?: string;
  /** Address of the client. */
  readonly from?: string;
  readonly message?: string;
}

/** What is published; the hashes of the content are computed here. */
export type Publication = Omit<ConfigPublish, 'kind' | 'md5' | 'hash' | keyof ConfigRef>;

export interface Current {
  readonly row: ConfigRow;
  /** What all clients get; absent while only rollouts exist, or after a removal. */
  readonly release: ReleaseRow | undefined;
}

export class Configurations {
  readonly #registry: Pick<Registry, 'state' | 'submit'>;

  constructor({ registry }: { readonly registry: Pick<Registry, 'state' | 'submit'> }) {
    this.#registry = registry;
  }

  /** What a client gets that asks an app's configuration by name. */
  resolve(name: ConfigName, reader: ConfigReader): Resolved {
    return resolve(this.#registry.state, name, reader);
  }

  /** Names of the views that show a change of what `resolve` gives. */
  viewsOf(name: ConfigName, reader: ConfigReader): string[] {
    return viewsOf(this.#registry.state, name, reader);
  }

  /** @returns undefined when there is no such configuration */
  get(ref: ConfigRef): Current | undefined {
    const { state } = this.#registry;
    const row = findConfig(state, ref);
    return row && { row, release: findRelease(state, row, row.release) };
  }

  /** The steps that are kept, the newest first. */
  history(ref: ConfigRef): readonly ReleaseRow[] {
    const { state } = this.#registry;
    const row = findConfig(state, ref);
    return row === undefined ? [] : [...historyOf(state, row)];
  }

  /**
   * @returns false when the condition (`cas`) does not hold
   * @throws RegistryError `invalid_argument` beyond a limit, `not_found` when the namespace does not exist
   */
  async publish(ref: ConfigRef, publication: Publication): Promise<boolean> {
    const { content } = publication;
    return this.#registry.submit({ ...{ kind: 'config-publish', ...only(ref) }, ...publication, md5: digest('md5', content), hash: digest('sha256', content) });
  }

  /**
   * Publishes the content of an older release as a new one.
   * @returns false when clients have that content already
   * @throws RegistryError `not_found` when the release is not kept
   */
  async rollback(ref: ConfigRef, to: number, author: Author = {}): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-rollback', ...only(ref), to, ...author });
  }

  /**
   * @param rollout name of the rollout that is withdrawn; undefined: what all clients get
   * @returns false when there is none
   */
  async remove(ref: ConfigRef, rollout: string | undefined, author: Author = {}): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-remove', ...only(ref), ...author, ...(rollout === undefined ? {} : { rollout }) });
  }
}

function digest(algorithm: 'md5' | 'sha256', content: Uint8Array): string {
  return createHash(algorithm).update(content).digest('hex');
}

function only({ namespace, app, cluster, name }: ConfigRef): ConfigRef {
  return { namespace, app, cluster, name };
}
