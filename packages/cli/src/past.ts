/** Requests of the commands about the past, and times as people write them. */

import { defaultNamespace, historySchema, pastViewSchema, type ConfigLayer, type Instance, type KvItem, type PastView, type Schema, type ServiceEntry, type Shaped } from '@rollcall/protocol';
import { InvalidArgumentError, type Command } from 'commander';
import { askAnswer, namespacedTargetOf, type Target } from './admin-call.ts';
import { duration } from './option-values.ts';
import type { RegistryFlags } from './servers.ts';
import type { Terminal } from './terminal.ts';

/** A time before now, a time, or a revision. */
export type When = { readonly agoMs: number } | { readonly at: string };

export const whenWords = '10m or 2h (ago), a time such as 2026-01-31T12:00:00Z, r123 (after revision 123), or now';

/** @throws InvalidArgumentError */
export function when(text: string): When {
  if (text === 'now') return { agoMs: 0 };
  if (/^r\d{1,16}$/.test(text) || /^\d{12,16}$/.test(text)) return { at: text };
  if (/^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d|$)/.test(text)) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return { at: String(ms) };
  }
  try {
    const days = /^(\d{1,4})d$/.exec(text)?.[1];
    return { agoMs: days === undefined ? duration(text) : Number(days) * 86_400_000 };
  } catch {
    throw new InvalidArgumentError(`it is no time; write ${whenWords}.`);
  }
}

export function addAtOption(command: Command): Command {
  return command.option('--at <time>', `as of a past time: ${whenWords}`, when);
}

/** Items by the kind of their view. */
interface ItemsOfViews {
  readonly services: ServiceEntry;
  readonly service: Instance;
  readonly key: KvItem;
  readonly config: ConfigLayer;
}

/** The history of a registry, as a command line names it. */
export class PastRegistry {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  static async of(flags: RegistryFlags, terminal: Terminal): Promise<PastRegistry> {
    return new PastRegistry(await namespacedTargetOf(flags, terminal));
  }

  /** A view of the native stream. @throws CommandFailure as `askAnswer` */
  async view<K extends keyof ItemsOfViews>(kind: K, name: string, time: When, more: Readonly<Record<string, string>> = {}): Promise<PastView<ItemsOfViews[K]>> {
    const [at = ''] = await this.moments(time);
    const view = (await this.get('/view', pastViewSchema, { kind, name, at, ...more })) as PastView<ItemsOfViews[K]>;
    if (view.partial === true) this.#target.onLeftOut?.();
    return view;
  }

  /** As the registry takes them: a time ago is one before the registry's now, since clocks differ. */
  async moments(...times: readonly When[]): Promise<string[]> {
    const nowMs = times.some((time) => 'agoMs' in time) ? (await this.get('', historySchema, {})).nowMs : 0;
    return times.map((time) => ('at' in time ? time.at : String(nowMs - time.agoMs)));
  }

  /** @throws CommandFailure as `askAnswer` */
  get<S extends Schema>(path: string, schema: S, query: Readonly<Record<string, string>>): Promise<Shaped<S>> {
    const { namespace = defaultNamespace } = this.#target;
    return askAnswer(this.#target, `/rollcall/v1/history${path}?${new URLSearchParams({ namespace, ...query }).toString()}`, schema);
  }
}
