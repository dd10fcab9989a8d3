/**
 * The one way to configurations for every front end: reading them as a client gets them, editing, publishing, rolling back, and their
 * history. It checks and hashes contents, seals secrets, and submits commands; the rules of environments are in the registry
 * (`registry/kind/config/`). Rights are the caller's business, and so is the audit log of requests.
 */

import { hash } from 'node:crypto';
import { RegistryError } from '@rollcall/protocol';
import type { ConfigDraftPut, ConfigPropose, ConfigPublish, ConfigReport, ConfigReview, ConfigRolloutControl, ConfigSettings, Rewrapped } from '../registry/kind/config/commands.ts';
import { configName, draftsIn, environmentsOf, findConfig, findDraft, findProposal, findRelease, historyOf, policyOf, proposalsIn } from '../registry/kind/config/find.ts';
import type { ConfigReader } from '../registry/kind/config/given.ts';
import { candidatesFor, choose, resolve, viewsOf, type Candidates, type ConfigName, type Place, type Resolved } from '../registry/kind/config/resolve.ts';
import type { ConfigRef, ConfigRow, DraftRow, EnvironmentRow, Policy, ProposalRow, ReleaseRow } from '../registry/kind/config/rows.ts';
import type { Registry } from '../registry/registry.ts';
import { Contents, type ContentsOptions } from './contents.ts';
import { Readers, type Who } from './readers.ts';

/** Who does something, and why: for the history. */
export interface Author {
  readonly by?: string;
  /** Address of the client. */
  readonly from?: string;
  readonly message?: string;
}

/** How content is checked before it is accepted. */
export interface Confirmation {
  /** Content that is emptied, or loses more than half of its bytes, is accepted. */
  readonly confirmed?: boolean;
  /** Content is checked only if the configuration has a schema or checks; for protocols that check nothing. */
  readonly unchecked?: boolean;
}

type Hashes = 'kind' | 'md5' | 'hash' | keyof ConfigRef;

/** What is published; the hashes of the content are computed here. */
export type Publication = Omit<ConfigPublish, Hashes> & Confirmation;

export type DraftContent = Omit<ConfigDraftPut, Hashes> & Pick<Confirmation, 'unchecked'>;

export type ProposalInput = Omit<ConfigPropose, 'kind' | 'checked' | keyof ConfigRef> & Confirmation;

export interface Current {
  readonly row: ConfigRow;
  /** What all clients get; absent while only rollouts exist, or after a removal. */
  readonly release: ReleaseRow | undefined;
}

export interface ConfigurationsOptions extends ContentsOptions {
  readonly registry: Pick<Registry, 'state' | 'submit'>;
}

export class Configurations {
  /** The clients that read configurations through this node. */
  readonly readers = new Readers();
  readonly #registry: Pick<Registry, 'state' | 'submit'>;
  /** Asks all nodes of the store. */
  #who = async (name: ConfigName): Promise<Who> => this.readers.who(name, '');
  readonly contents: Contents;

  constructor({ registry, ...contents }: ConfigurationsOptions) {
    this.#registry = registry;
    this.contents = new Contents(contents);
  }

  /** What a client gets that asks an app's configuration by name. */
  resolve(name: ConfigName, reader: ConfigReader): Resolved {
    return resolve(this.#registry.state, name, reader);
  }

  /** The rows that all clients of a place get it from, for a caller that resolves it for many: the same until one of `viewsOf` changes. */
  candidatesFor(name: ConfigName, place: Place): Candidates {
    return candidatesFor(this.#registry.state, name, place);
  }

  /** What one client gets of them. */
  choose(candidates: Candidates, reader: ConfigReader): Resolved {
    return choose(this.#registry.state, candidates, reader);
  }

  /** Names of the views that show a change of what `resolve` gives. */
  viewsOf(name: ConfigName, place: Place): string[] {
    return viewsOf(this.#registry.state, name, place);
  }

  /** Tells how readers of all nodes are found; until then those of this node are all. */
  askAll(who: (name: ConfigName) => Promise<Who>): void {
    this.#who = who;
  }

  /** Who reads a configuration through any node, and what each has applied. */
  who(name: ConfigName): Promise<Who> {
    return this.#who(name);
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

  release(ref: ConfigRef, number: number): ReleaseRow | undefined {
    return findRelease(this.#registry.state, ref, number);
  }

  /**
   * @returns false when the condition (`cas`) does not hold
   * @throws RegistryError `invalid_argument` for content that is refused, or beyond a limit; `not_found` when the namespace does not
   *   exist; `failed_precondition` when the policy is against it, or it is not confirmed
   */
  async publish(ref: ConfigRef, { confirmed, unchecked, ...publication }: Publication): Promise<boolean> {
    const current = this.get(ref);
    const { format, settings } = publication;
    const content = this.contents.seal(ref, publication.content, current?.release?.content);
    await this.contents.check({ ref, content, format, ...rulesOf(current?.row, settings) }, { unchecked });
    await this.contents.assertAgreed(this.#webhook(ref), { ref, content, format }, publication.by ?? '');
    this.contents.assertNotShrunk(ref, content, publication.rollout === undefined ? current?.release?.content : undefined, confirmed);
    return this.#registry.submit({ ...{ kind: 'config-publish', ...only(ref) }, ...publication, content, ...hashesOf(content) });
  }

  /**
   * Changes what belongs to a configuration and not to its releases; creates it if it is missing.
   * @throws RegistryError `invalid_argument` for a bad schema, or beyond a limit
   */
  async configure(ref: ConfigRef, settings: ConfigSettings, author: Author = {}): Promise<void> {
    if (settings.schema !== undefined && settings.schema !== '') await this.contents.checkSchema(settings.schema);
    await this.#registry.submit({ kind: 'config-configure', ...only(ref), settings, ...author });
  }

  /**
   * Publishes the content of an older release as a new one.
   * @returns false when clients have that content already
   * @throws RegistryError `not_found` when the release is not kept
   */
  async rollback(ref: ConfigRef, to: number, author: Author = {}): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-rollback', ...only(ref), to, ...author, ...this.#rewrapped(ref, this.release(ref, to)) });
  }

  /**
   * @param rollout name of the rollout that is withdrawn; undefined: what all clients get
   * @returns false when there is none
   */
  async remove(ref: ConfigRef, rollout: string | undefined, author: Author & { readonly source?: 'git' } = {}): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-remove', ...only(ref), ...author, ...(rollout === undefined ? {} : { rollout }) });
  }

  /**
   * Deletes a configuration that was never published, with its draft and its settings.
   * @returns false when there is none
   * @throws RegistryError `failed_precondition` when it was published, or a repository owns it
   */
  async deleteUnpublished(ref: ConfigRef, author: Author & { readonly source?: 'git' } = {}): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-delete', ...only(ref), ...author });
  }

  // Drafts and proposals.

  draft(ref: ConfigRef): DraftRow | undefined {
    return findDraft(this.#registry.state, ref);
  }

  drafts(namespace: string): Iterable<DraftRow> {
    return draftsIn(this.#registry.state, namespace);
  }

  /**
   * @returns false when the condition (`cas`) does not hold
   * @throws RegistryError as `publish`
   */
  async saveDraft(ref: ConfigRef, { unchecked, ...draft }: DraftContent): Promise<boolean> {
    const current = this.get(ref);
    const before = this.draft(ref)?.content ?? current?.release?.content;
    const content = this.contents.seal(ref, draft.content, before);
    await this.contents.check({ ref, content, format: draft.format, ...rulesOf(current?.row) }, { unchecked });
    return this.#registry.submit({ ...{ kind: 'config-draft-put', ...only(ref) }, ...draft, content, ...hashesOf(content) });
  }

  /** @param cas revision that the draft must have; undefined: any */
  async deleteDraft(ref: ConfigRef, cas: number | undefined): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-draft-delete', ...only(ref), ...(cas === undefined ? {} : { cas }) });
  }

  /**
   * @returns number of the proposal; false when the draft has another revision
   * @throws RegistryError as `publish`
   */
  async propose(ref: ConfigRef, { confirmed, unchecked, ...input }: ProposalInput): Promise<number | false> {
    const draft = this.draft(ref);
    if (draft?.modified !== input.draft) return false;
    const current = this.get(ref);
    const { content, format } = draft;
    const checked = await this.contents.check({ ref, content, format, ...rulesOf(current?.row) }, { unchecked });
    await this.contents.assertAgreed(this.#webhook(ref), { ref, content, format }, input.by ?? '');
    this.contents.assertNotShrunk(ref, content, current?.release?.content, confirmed);
    return this.#registry.submit({ kind: 'config-propose', ...only(ref), checked, ...input });
  }

  proposal(ref: ConfigRef, number: number): ProposalRow | undefined {
    return findProposal(this.#registry.state, ref, number);
  }

  proposals(namespace: string): Iterable<ProposalRow> {
    return proposalsIn(this.#registry.state, namespace);
  }

  /** @returns whether it changed anything @throws RegistryError `not_found`, `failed_precondition`, `invalid_argument` */
  async review(ref: ConfigRef, number: number, verdict: ConfigReview['verdict'], author: Author): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-review', ...only(ref), number, verdict, ...author });
  }

  /**
   * @returns the number of the release; false when it is not open any more
   * @throws RegistryError `not_found`, `failed_precondition`, `aborted`
   */
  async publishProposal(ref: ConfigRef, number: number, author: Author): Promise<number | false> {
    return this.#registry.submit({ kind: 'config-publish-proposal', ...only(ref), number, ...author, ...this.#rewrapped(ref, this.proposal(ref, number)) });
  }

  /** What is stored already gets the newest key when it becomes a release. */
  #rewrapped(ref: ConfigRef, row: ReleaseRow | ProposalRow | undefined): { readonly rewrapped?: Rewrapped } {
    const content = row && this.contents.rewrapped(ref, row.content);
    return row === undefined || content === undefined ? {} : { rewrapped: { instead: row.hash, content, ...hashesOf(content) } };
  }

  // Rollouts.

  /** @returns false when there is no such rollout, or it is in that state already */
  async control(ref: ConfigRef, rollout: string, action: ConfigRolloutControl['action'], author: Author): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-rollout', ...only(ref), rollout, action, ...author });
  }

  /** An instance cannot use a release, or, with an empty error, can. @returns false when the release is of no rollout */
  async report(ref: ConfigRef, report: Pick<ConfigReport, 'release' | 'instance' | 'error'>): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-report', ...only(ref), ...report });
  }

  #webhook({ namespace }: ConfigRef): string | undefined {
    return policyOf(this.#registry.state, namespace).webhook;
  }

  close(): Promise<void> {
    return this.contents.close();
  }

  // Environments.

  environments(): readonly EnvironmentRow[] {
    return [...environmentsOf(this.#registry.state)].sort((a, b) => a.order - b.order || (a.namespace < b.namespace ? -1 : 1));
  }

  /** @throws RegistryError `invalid_argument`, `not_found` when the namespace does not exist */
  async putEnvironment(namespace: string, order: number, policy: Policy): Promise<void> {
    await this.#registry.submit({ kind: 'config-environment-put', namespace, order, policy });
  }

  async deleteEnvironment(namespace: string): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-environment-delete', namespace });
  }
}

/** @throws RegistryError `not_found` */
export function assertFound<T>(found: T | undefined, ref: ConfigRef): T {
  if (found !== undefined) return found;
  const { namespace, cluster } = ref;
  throw new RegistryError('not_found', `no configuration ${configName(ref)} in cluster ${cluster} of the environment ${namespace}`);
}

function hashesOf(content: Uint8Array) {
  return { md5: hash('md5', content, 'hex'), hash: hash('sha256', content, 'hex') };
}

/** The schema and the checks that a content must satisfy: those that come with it, or those that the configuration has. */
function rulesOf(row: ConfigRow | undefined, { schema = row?.schema, checks = row?.checks }: ConfigSettings = {}) {
  return { schema: schema === '' ? undefined : schema, checks };
}

function only({ namespace, app, cluster, name }: ConfigRef): ConfigRef {
  return { namespace, app, cluster, name };
}
