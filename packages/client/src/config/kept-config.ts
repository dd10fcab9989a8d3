/**
 * The last content of a configuration on disk, for a start while no registry can be reached: a file for each configuration that
 * programs read with the same servers, replaced as a whole, readable by its owner only, and ignored when it is damaged.
 *
 *     first line   {"format":1,"sha256":"…"}     of the second line
 *     second line  {"view","registry","revision","savedAt","layers"}
 */

import { createHash } from 'node:crypto';
import { chmod, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkReply, type ConfigLayer, type FrameView, type SnapshotFrame } from '@rollcall/protocol';

export interface KeptConfig {
  readonly view: FrameView;
  /** Identity of the registry that sent it. */
  readonly registry: string;
  readonly revision: number;
  /** When it was last known to be current, in milliseconds since the Unix epoch. */
  readonly savedAt: number;
  readonly layers: readonly ConfigLayer[];
}

export interface ConfigCacheOptions {
  readonly dir: string;
  /** Base URLs of this client's registry. */
  readonly servers: readonly string[];
  /** Part of temporary names, so that two processes do not write into one file. */
  readonly uuid: () => string;
  readonly onWarning: (message: string) => void;
}

const format = 1;

export class ConfigCache {
  readonly #options: ConfigCacheOptions;
  /** The newest content of each file that is not written yet. */
  readonly #waiting = new Map<string, KeptConfig>();
  #writing: Promise<void> | undefined;
  #warned = false;

  constructor(options: ConfigCacheOptions) {
    this.#options = options;
  }

  /** Never rejects: content that cannot be read is none. */
  async find(view: FrameView): Promise<KeptConfig | undefined> {
    let text: string;
    try {
      text = await readFile(join(this.#options.dir, this.#fileOf(view)), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#options.onWarning(`the cached configuration ${view.name} is ignored: ${String(error)}`);
      return undefined;
    }
    const kept = keptFromText(text, view);
    if (typeof kept !== 'string') return kept;
    this.#options.onWarning(`the cached configuration ${view.name} is ignored: ${kept}`);
    return undefined;
  }

  /** Writes soon; content that follows before that replaces it. */
  save(kept: KeptConfig): void {
    this.#waiting.set(this.#fileOf(kept.view), kept);
    this.#writing ??= this.#write();
  }

  /** Resolves when everything is written. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const [file, kept] = next;
      this.#waiting.delete(file);
      await this.#replace(join(this.#options.dir, file), kept);
    }
    this.#writing = undefined;
  }

  async #replace(path: string, kept: KeptConfig): Promise<void> {
    const temporary = `${path}.${this.#options.uuid()}.tmp`;
    try {
      // Configurations may have secrets.
      await writeFile(temporary, keptToText(kept), { mode: 0o600 });
      await chmod(temporary, 0o600);
      await rename(temporary, path);
      this.#warned = false;
    } catch (error) {
      await unlink(temporary).catch(() => {});
      // A full disk fails every write: one warning is enough.
      if (!this.#warned) this.#options.onWarning(`the configuration ${kept.view.name} is not written to the cache: ${String(error)}`);
      this.#warned = true;
    }
  }

  #fileOf(view: FrameView): string {
    return `config-${sha256(JSON.stringify([identityOf(view), [...this.#options.servers].sort()])).slice(0, 32)}.json`;
  }
}

function identityOf({ kind, namespace = '', name, cluster = '' }: FrameView): readonly string[] {
  return [kind, namespace, name, cluster];
}

function keptToText(kept: KeptConfig): string {
  const body = JSON.stringify(kept);
  return `${JSON.stringify({ format, sha256: sha256(body) })}\n${body}\n`;
}

/** @returns the content, or the reason why the text cannot be used */
function keptFromText(text: string, view: FrameView): KeptConfig | string {
  const end = text.indexOf('\n');
  const body = text.slice(end + 1, -1);
  try {
    const head = JSON.parse(text.slice(0, end)) as { format?: unknown; sha256?: unknown };
    if (head.format !== format) return `its format is ${String(head.format)}, not ${format}`;
    if (head.sha256 !== sha256(body)) return 'its checksum does not match';
    const kept = JSON.parse(body) as Partial<KeptConfig>;
    // The same shape as from the registry, so the same validation.
    const checked = checkReply({ type: 'snapshot', view: kept.view, revision: kept.revision, items: kept.layers });
    if (!checked.ok) return checked.message;
    const { registry, savedAt } = kept;
    const { view: found, revision, items } = checked.frame as SnapshotFrame;
    if (typeof registry !== 'string' || typeof savedAt !== 'number') return 'it has no registry or no time';
    if (JSON.stringify(identityOf(found)) !== JSON.stringify(identityOf(view))) return 'it is of another configuration';
    return { view: found, registry, savedAt, revision, layers: items as readonly ConfigLayer[] };
  } catch {
    return 'it is not JSON';
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
