/**
 * What is done to every content before it becomes a draft or a release: its secrets are sealed, it is parsed and compared with its
 * schema, and a content that loses most of its bytes needs a second word. The parsing itself is behind a port, in a worker thread.
 */

import { isConfigFormat, RegistryError, type ConfigFormat } from '@rollcall/protocol';
import { contentError, type ContentChecks, type ContentFault } from '../config-content/content.ts';
import { lossOf } from '../config-content/loss.ts';
import type { Secrets } from '../config-content/secrets.ts';
import type { WebhookQuestion } from '../config-content/webhook.ts';
import { configName } from '../registry/kind/config/find.ts';
import type { ConfigCheck, ConfigRef } from '../registry/kind/config/rows.ts';

/** Asks a program of the operator. @returns why the content must not be published; undefined: it may */
export type AskWebhook = (url: string, question: WebhookQuestion) => Promise<string | undefined>;

export interface ContentsOptions {
  /** Absent: nothing is parsed. */
  readonly checks?: ContentChecks | undefined;
  /** Absent: there are no secrets. */
  readonly secrets?: Secrets | undefined;
  /** Absent: no program is asked. */
  readonly askWebhook?: AskWebhook | undefined;
}

export interface Checked {
  readonly ref: ConfigRef;
  /** As it is stored. */
  readonly content: Uint8Array;
  readonly format: string | undefined;
  readonly schema: string | undefined;
  readonly checks: readonly ConfigCheck[] | undefined;
}

export class Contents {
  readonly #checks: ContentChecks | undefined;
  readonly #secrets: Secrets | undefined;
  readonly #askWebhook: AskWebhook | undefined;

  constructor({ checks, secrets, askWebhook }: ContentsOptions) {
    this.#askWebhook = askWebhook;
    this.#checks = checks;
    this.#secrets = secrets;
  }

  /** The content as it is stored. @param before the stored content that was edited @throws RegistryError as `Secrets.seal` */
  seal(ref: ConfigRef, content: Uint8Array, before: Uint8Array | undefined): Uint8Array {
    if (this.#secrets === undefined) return content;
    const text = textOf(content);
    const sealed = this.#secrets.seal(text, ref, before === undefined ? '' : textOf(before));
    return sealed === text ? content : Buffer.from(sealed);
  }

  /** The content as a reader gets it. @param reveal whether the reader may see secrets @throws RegistryError as `Secrets.reveal` */
  shown(ref: ConfigRef, content: Uint8Array, reveal: boolean): string {
    const text = textOf(content);
    if (this.#secrets === undefined) return text;
    return reveal ? this.#secrets.reveal(text, ref) : this.#secrets.mask(text);
  }

  /** The same for an editor: secrets in clear stand between marks, so that they are sealed again when it comes back. */
  editable(ref: ConfigRef, content: Uint8Array, reveal: boolean): string {
    return this.#secrets !== undefined && reveal ? this.#secrets.revealMarked(textOf(content), ref) : this.shown(ref, content, false);
  }

  /**
   * The values of a content under flat keys (`ContentChecks.flatten`).
   * @param shown as `shown` returned it
   * @throws RegistryError `invalid_argument` when it cannot be parsed
   */
  async flatten(shown: string, format: ConfigFormat): Promise<string> {
    if (this.#checks === undefined) throw new RegistryError('unimplemented', 'contents are not parsed here');
    return this.#checks.flatten(shown, format);
  }

  async close(): Promise<void> {
    await this.#checks?.close();
  }

  /** A stored content with its data keys wrapped by the newest key; undefined when nothing is to do. @throws RegistryError `data_loss` */
  rewrapped(ref: ConfigRef, content: Uint8Array): Uint8Array | undefined {
    if (this.#secrets === undefined) return undefined;
    const text = textOf(content);
    const rewrapped = this.#secrets.rewrap(text, ref);
    return rewrapped === text ? undefined : Buffer.from(rewrapped);
  }

  /** Ids of the keys that a content depends on, other than the newest one. */
  olderKeysIn(content: Uint8Array): ReadonlySet<string> {
    // Most contents have none, and are not decoded.
    if (this.#secrets === undefined || !bytesOf(content).includes('{cipher}')) return new Set();
    return this.#secrets.olderKeysIn(textOf(content));
  }

  hasSecrets(content: Uint8Array): boolean {
    return this.#secrets?.hasSecrets(textOf(content)) === true;
  }

  /**
   * @returns what was checked, for people
   * @throws RegistryError `invalid_argument`, `resource_exhausted`: the content is refused
   */
  async check(checked: Checked, { unchecked = false }: { readonly unchecked?: boolean | undefined }): Promise<readonly string[]> {
    if (unchecked && checked.schema === undefined && (checked.checks ?? []).length === 0) return [];
    const { faults, checks } = await this.faultsIn(checked);
    if (faults.length > 0) throw contentError(faults);
    return checks;
  }

  /** @throws RegistryError `resource_exhausted` when too many checks wait */
  async faultsIn({ ref, content, format, schema, checks = [] }: Checked): Promise<{ readonly faults: readonly ContentFault[]; readonly checks: readonly string[] }> {
    if (this.#checks === undefined || format === undefined || format === 'text' || !isConfigFormat(format)) return { faults: [], checks: [] };
    const text = this.shown(ref, content, true);
    const faults = await this.#checks.check({ content: text, format, ...(schema === undefined ? {} : { schema }), ...(checks.length === 0 ? {} : { rules: checks }) });
    return { faults, checks: faults.length > 0 ? [] : [`it is valid ${format}`, ...(schema === undefined ? [] : ['the schema holds']), ...checks.map(({ expect }) => `it holds that ${expect}`)] };
  }

  /** Asks the program that the policy names, which sees masks in place of secrets. @throws RegistryError `failed_precondition` when it refuses */
  async assertAgreed(webhook: string | undefined, checked: Pick<Checked, 'ref' | 'content' | 'format'>, author: string): Promise<void> {
    const refusal = await this.refusal(webhook, checked, author);
    if (refusal !== undefined) throw new RegistryError('failed_precondition', refusal);
  }

  /** @returns why the program that the policy names does not agree, or that it gave no answer; undefined: it agrees, or there is none */
  async refusal(webhook: string | undefined, { ref, content, format = 'text' }: Pick<Checked, 'ref' | 'content' | 'format'>, author: string): Promise<string | undefined> {
    if (webhook === undefined || this.#askWebhook === undefined) return undefined;
    const { namespace, app, cluster, name } = ref;
    return this.#askWebhook(webhook, { namespace, app, cluster, name, format, content: this.shown(ref, content, false), author });
  }

  /** @throws RegistryError `invalid_argument` */
  async checkSchema(schema: string): Promise<void> {
    const faults = (await this.#checks?.checkSchema(schema)) ?? [];
    if (faults.length > 0) throw new RegistryError('invalid_argument', `the schema is refused: ${faults.map(({ message }) => message).join('; ')}`);
  }

  /**
   * An empty content, or one that has lost more than half, is more often a mistake than meant.
   * @param before what clients have now
   * @throws RegistryError `failed_precondition`
   */
  assertNotShrunk(ref: ConfigRef, content: Uint8Array, before: Uint8Array | undefined, confirmed = false): void {
    const loss = confirmed ? undefined : this.loss(content, before);
    if (loss === undefined || before === undefined) return;
    throw new RegistryError('failed_precondition', `content of configuration ${configName(ref)} is ${loss}: ${before.length} bytes become ${content.length}; confirm it if that is meant ("confirmed": true in JSON, --confirm on a command line)`);
  }

  /** How much content is lost, for people; undefined when it is not more than half. @param before what clients have now */
  loss(content: Uint8Array, before: Uint8Array | undefined): string | undefined {
    if (before === undefined || before.length === 0 || content.length * 2 >= before.length) return undefined;
    return lossOf(textOf(before), textOf(content));
  }
}

function textOf(content: Uint8Array): string {
  return bytesOf(content).toString('utf8');
}

function bytesOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}
