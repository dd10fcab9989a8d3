/**
 * The one way to configurations for every front end: reading them as a client gets them, editing, publishing, rolling back, and their
 * history. It checks and hashes contents, seals secrets, and submits commands; the rules of environments are in the registry
 * (`registry/kind/config/`). Rights are the caller's business, and so is the audit log of requests.
 */

import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { isRegistryError, RegistryError } from '@rollcall/protocol';
import { inTurns } from '../in-turns.ts';
import type { ConfigDraftPut, ConfigEnvironmentPut, ConfigPropose, ConfigPublish, ConfigReport, ConfigReview, ConfigRolloutControl, ConfigSettings, Rewrapped } from '../registry/kind/config/commands.ts';
import { configName, policyOf } from '../registry/kind/config/find.ts';
import type { ConfigName } from '../registry/kind/config/resolve.ts';
import { approvedRollout, wantedRollout } from '../registry/kind/config/rollouts.ts';
import type { ConfigRef, ConfigRow, DraftRow, ProposalRow, ReleaseRow } from '../registry/kind/config/rows.ts';
import { newConfig } from '../registry/kind/config/steps.ts';
import type { Registry } from '../registry/registry.ts';
import { ConfigRows } from './config-rows.ts';
import { Contents, type ContentsOptions } from './contents.ts';
import { firstPlaces, nextPlaces } from './places.ts';
import { Readers, type Drift, type Who } from './readers.ts';
import type { ContentInQuestion, ContentVerdict } from './verdict.ts';

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

/** What is published; the hashes of the content are computed here, and the places of a rollout found. */
export type Publication = Omit<ConfigPublish, Hashes | 'places'> & Confirmation;

export type DraftContent = Omit<ConfigDraftPut, Hashes | 'remove'> & Pick<Confirmation, 'unchecked'>;

export type DraftRemoval = Omit<ConfigDraftPut, Hashes | 'remove' | 'content' | 'format'>;

export interface ProposalInput extends Omit<ConfigPropose, 'kind' | 'checked' | keyof ConfigRef>, Confirmation {
  /** An open proposal of the same draft on other terms (rollout or time) is void, with its approvals. */
  readonly replace?: boolean;
}

export interface ConfigurationsOptions extends ContentsOptions {
  readonly registry: Pick<Registry, 'state' | 'submit'>;
}

/** The readers of all nodes of the store. */
export interface AllReaders {
  who(name: ConfigName): Promise<Who>;
  drift(namespace: string): Promise<Drift>;
}

export class Configurations extends ConfigRows {
  /** The clients that read configurations through this node. */
  readonly readers = new Readers();
  readonly #registry: Pick<Registry, 'state' | 'submit'>;
  /** Asks all nodes of the store. */
  #all: AllReaders = {
    who: async (name) => this.readers.who(name, ''),
    drift: (namespace) => inTurns(this.readers.drift(namespace)),
  };
  readonly contents: Contents;

  constructor({ registry, ...contents }: ConfigurationsOptions) {
    super(registry.state);
    this.#registry = registry;
    this.contents = new Contents(contents);
  }

  /** Tells how readers of all nodes are found; until then those of this node are all. */
  askAll(all: AllReaders): void {
    this.#all = all;
  }

  /** Who reads a configuration through any node, and what each has applied. */
  who(name: ConfigName): Promise<Who> {
    return this.#all.who(name);
  }

  /** Which readers of any node do not use the release that they were given, of all configurations of a namespace. */
  drift(namespace: string): Promise<Drift> {
    return this.#all.drift(namespace);
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
    const places = await firstPlaces(this.#registry.state, ref, (row) => wantedRollout(this.#registry.state, row, publication.rollout));
    return this.#registry.submit({ ...{ kind: 'config-publish', ...only(ref) }, ...publication, content, ...hashesOf(content), ...places });
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

  /**
   * Drafts the removal of what clients get.
   * @returns false when the condition (`cas`) does not hold
   * @throws RegistryError `failed_precondition` when clients get nothing, or a repository owns the configuration
   */
  async saveRemoval(ref: ConfigRef, draft: DraftRemoval): Promise<boolean> {
    return this.#registry.submit({ ...{ kind: 'config-draft-put', ...only(ref) }, ...draft, remove: true, content: new Uint8Array(0), md5: '', hash: '' });
  }

  /** Says what is wrong with content, and saves nothing. @throws RegistryError `resource_exhausted` when too many checks wait */
  async check(ref: ConfigRef, { publishing = false, by = '', format, ...given }: ContentInQuestion): Promise<ContentVerdict> {
    const current = this.get(ref);
    let content: Uint8Array;
    try {
      content = this.contents.seal(ref, given.content, this.draft(ref)?.content ?? current?.release?.content);
    } catch (error) {
      if (!isRegistryError(error) || error.code === 'internal') throw error;
      return { faults: [{ kind: 'secret', message: error.message }], checks: [], refusals: [] };
    }
    const { faults, checks } = await this.contents.faultsIn({ ref, content, format, ...rulesOf(current?.row) });
    if (!publishing || faults.length > 0) return { faults, checks, refusals: [] };
    const webhook = this.#webhook(ref);
    const refusal = await this.contents.refusal(webhook, { ref, content, format }, by);
    const loss = this.contents.loss(content, current?.release?.content);
    return {
      faults,
      checks: webhook === undefined || refusal !== undefined ? checks : [...checks, `the program at ${webhook} agrees`],
      refusals: [...(refusal === undefined ? [] : [{ reason: 'webhook' as const, message: refusal }]), ...(loss === undefined ? [] : [{ reason: 'loss' as const, message: `the content is ${loss}` }])],
    };
  }

  /** @param cas revision that the draft must have; undefined: any */
  async deleteDraft(ref: ConfigRef, cas: number | undefined): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-draft-delete', ...only(ref), ...(cas === undefined ? {} : { cas }) });
  }

  /**
   * Proposes the draft. One that was proposed before gets a new revision first, since a number stands for one rollout and one time.
   * @returns number of the proposal; false when the draft has another revision
   * @throws RegistryError as `publish`; `failed_precondition` when it is proposed already, and is not to be replaced
   */
  async propose(ref: ConfigRef, { confirmed, unchecked, replace = false, ...input }: ProposalInput): Promise<number | false> {
    const draft = this.draft(ref);
    if (draft?.modified !== input.draft) return false;
    const checked = draft.remove === true ? [] : await this.#checkedProposal(ref, draft, { confirmed, unchecked, by: input.by });
    const number = await this.#unproposed(ref, draft, input, replace);
    return number === undefined ? false : this.#registry.submit({ kind: 'config-propose', ...only(ref), checked, ...input, draft: number });
  }

  /** @returns what was checked @throws RegistryError as `publish` */
  async #checkedProposal(ref: ConfigRef, { content, format }: DraftRow, { confirmed, unchecked, by }: { readonly [Field in keyof Confirmation]: Confirmation[Field] | undefined } & { readonly by: string | undefined }): Promise<readonly string[]> {
    const current = this.get(ref);
    const checked = await this.contents.check({ ref, content, format, ...rulesOf(current?.row) }, { unchecked });
    await this.contents.assertAgreed(this.#webhook(ref), { ref, content, format }, by ?? '');
    this.contents.assertNotShrunk(ref, content, current?.release?.content, confirmed);
    return checked;
  }

  /**
   * The revision of the draft under which nothing was proposed yet.
   * @returns undefined when another editor has changed the draft meanwhile
   * @throws RegistryError `failed_precondition` when it is proposed on other terms, which are not to be replaced
   */
  async #unproposed(ref: ConfigRef, draft: DraftRow, { rollout, notBeforeMs }: ProposalInput, replace: boolean): Promise<number | undefined> {
    const { modified, md5, remove } = draft;
    const earlier = this.proposal(ref, modified);
    if (earlier === undefined) return modified;
    if (earlier.state === 'open') {
      const wanted = remove === true ? undefined : wantedRollout(this.#registry.state, this.get(ref)?.row ?? newConfig(ref, 0), rollout);
      // The decision refuses it.
      if (isDeepStrictEqual(wanted, earlier.rollout) && notBeforeMs === earlier.notBeforeMs) return modified;
      if (!replace) throw new RegistryError('failed_precondition', `draft ${modified} of ${configName(ref)} is proposed already, with another rollout or time; to void that proposal and its approvals, ask to replace it ("replace": true in JSON, --replace on a command line)`);
    }
    if (!(await this.#registry.submit({ kind: 'config-draft-renew', ...only(ref), draft: modified }))) return undefined;
    const renewed = this.draft(ref);
    return renewed?.earlier === modified && renewed.md5 === md5 ? renewed.modified : undefined;
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
    const proposal = this.proposal(ref, number);
    const places = await firstPlaces(this.#registry.state, ref, (row) => proposal && approvedRollout(this.#registry.state, row, proposal));
    return this.#registry.submit({ kind: 'config-publish-proposal', ...only(ref), number, ...author, ...places, ...this.#rewrapped(ref, proposal) });
  }

  /** What is stored already gets the newest key when it becomes a release. */
  #rewrapped(ref: ConfigRef, row: ReleaseRow | ProposalRow | undefined): { readonly rewrapped?: Rewrapped } {
    const content = row && this.contents.rewrapped(ref, row.content);
    return row === undefined || content === undefined ? {} : { rewrapped: { instead: row.hash, content, ...hashesOf(content) } };
  }

  // Rollouts.

  /** @returns false when there is no such rollout, or it is in that state already */
  async control(ref: ConfigRef, rollout: string, action: ConfigRolloutControl['action'], author: Author): Promise<boolean> {
    const places = action === 'advance' ? await nextPlaces(this.#registry.state, ref) : {};
    return this.#registry.submit({ kind: 'config-rollout', ...only(ref), rollout, action, ...author, ...places });
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

  /**
   * @returns false when the condition (`cas`) does not hold
   * @throws RegistryError `invalid_argument`, `not_found` when the namespace does not exist
   */
  async putEnvironment(rules: Omit<ConfigEnvironmentPut, 'kind'>): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-environment-put', ...rules });
  }

  async deleteEnvironment(namespace: string, author: Author): Promise<boolean> {
    return this.#registry.submit({ kind: 'config-environment-delete', namespace, ...author });
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
