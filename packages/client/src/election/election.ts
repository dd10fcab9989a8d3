/** Elections: one of several processes leads, and knows until when. */

import { RegistryError, type LockHolder } from '@rollcall/protocol';
import { pause, type Clock } from '../clock.ts';
import { viewIn } from '../connection/view-name.ts';
import type { RegistryConnection } from '../connection/registry-connection.ts';
import type { WatchedViews } from '../connection/watched-views.ts';
import type { Contenders } from '../lock/contenders.ts';
import { HeldLock } from '../lock/held-lock.ts';
import type { LeaseState } from '../lock/lease.ts';
import { granted } from '../lock/locks.ts';
import { LeadershipLostError } from '../lock/lost-error.ts';
import { leaseTiming, timingOf, type LeaseTiming } from '../lock/timing.ts';
import { checkKnown, type OptionNames } from '../option-check.ts';
import { follow } from '../source/follow.ts';
import type { Fence } from './fence.ts';

export interface ElectionOptions extends LeaseTiming {
  /** What this process says of itself to observers, such as its address: up to 1,024 characters. */
  readonly value?: string;
  /** Called with each state of this process: `candidate`, `leading`, `uncertain`, `lost`, `released`. Must not throw. */
  readonly onState?: (state: LeaseState) => void;
}

const electionOptions: OptionNames<ElectionOptions> = { ...leaseTiming, value: true, onState: true };

/** How the work of a leader is protected from that of the leaders before it: `lead` does not run without a choice. */
export type Fencing =
  /** Raised to the token before the function runs. */
  | { readonly fence: Fence | readonly Fence[] }
  /** The program can bear two leaders for a moment. */
  | { readonly unfenced: true };

export interface CampaignOptions {
  /** Ends the candidacy, or the leadership. */
  readonly signal?: AbortSignal | undefined;
}

export type LeadOptions = CampaignOptions &
  Fencing & {
    /** After lost leadership, becomes a candidate again and runs the function again once it leads; off by default. */
    readonly campaignAgain?: boolean;
  };

const campaignOptions: OptionNames<CampaignOptions> = { signal: true };

/** The leader, as observers see it. */
export interface Leader {
  readonly id: string;
  readonly token: bigint;
  readonly value?: string;
}

/** A process that waits to lead. */
export interface Candidate {
  /** For `transferTo`. */
  readonly id: string;
  readonly value?: string;
}

/** Leadership of this process: a held lock that can be resigned. */
export class Lead extends HeldLock {
  /** Hands over to the next candidate, at once. @throws RegistryError `unknown_outcome` as `release` */
  resign(): Promise<void> {
    return this.release();
  }
}

/** Two candidacies of one `lead` begin at least this far apart, in milliseconds: a function may lose its leadership as soon as it runs. */
const campaignEveryMs = 1_000;

export interface ElectionParts {
  readonly clock: Clock;
  readonly connection: Pick<RegistryConnection, 'ask'>;
  readonly timeoutMs: number;
  readonly contenders: Contenders;
  readonly views: WatchedViews;
  readonly namespace: string;
}

export class Election {
  readonly name: string;
  readonly #parts: ElectionParts;
  readonly #options: ElectionOptions;

  /** `client.election` calls this. @throws RegistryError `invalid_argument` */
  constructor(parts: ElectionParts, name: string, options: ElectionOptions) {
    checkKnown(options, electionOptions, 'election');
    timingOf(options);
    this.#parts = parts;
    this.name = name;
    this.#options = options;
  }

  /**
   * Becomes a candidate, and resolves when it leads: its own row was read again, and no earlier token counts. Candidates lead in the order in
   * which they came. The caller must resign.
   * @throws RegistryError as `client.lock`; the signal's reason
   */
  async campaign(options: CampaignOptions = {}): Promise<Lead> {
    checkKnown(options, campaignOptions, 'campaign');
    this.#options.onState?.('candidate');
    return new Lead(await granted(this.#parts.contenders, { name: this.name, limit: 1, shared: false, purpose: 'election' }, { ...this.#options, signal: options.signal }, 'election'));
  }

  /**
   * Becomes a candidate, runs the function while it leads, and resigns when the function ends. After lost leadership it becomes a candidate
   * again only with `campaignAgain`, at most once a second, and only once the function has ended: it never runs twice at a time.
   *
   * Promises: `lead.signal` fires at the local deadline, server or no server, and before the registry may give the leadership to another if
   * clock rates differ by at most 10 % and the event loop runs. Only the token guarantees exclusion: see docs/concepts/elections.md.
   * @param work should end soon after its signal fires
   * @returns what the function returns, if it led until the end
   * @throws LeadershipLostError when leadership was lost before the function ended, also if that one returned or threw, and it does not
   *   campaign again; what the function throws; what the fence throws; the signal's reason; RegistryError as `campaign`
   */
  async lead<T>(work: (lead: Lead) => Promise<T> | T, options: LeadOptions): Promise<T> {
    const fences = fencesIn(options);
    const { signal, campaignAgain = false } = options;
    const { clock } = this.#parts;
    for (;;) {
      const began = clock.monotonic();
      const term = await this.#leadOnce(work, fences, signal);
      if ('result' in term) return term.result;
      if (!campaignAgain) throw term.lost;
      await pause(clock, Math.max(0, began + campaignEveryMs - clock.monotonic()), signal);
    }
  }

  /**
   * The leader now and after every change, null while there is none; a slow reader gets only the newest. Tokens never go back. Ends when the
   * client closes.
   * @throws the signal's reason when it aborts
   */
  observe({ signal }: CampaignOptions = {}): AsyncIterableIterator<Leader | null, undefined> {
    const { views, namespace } = this.#parts;
    return follow(views, viewIn(namespace, 'lock', this.name), ({ items }) => leaderOf(items as readonly LockHolder[]), signal);
  }

  /**
   * The candidates that wait, in the order in which they will lead; the first 1,000. The leader is not one of them.
   * @throws RegistryError `permission_denied` without `lock:read`; `deadline_exceeded`, `unavailable`; the signal's reason
   */
  async candidates(options: CampaignOptions = {}): Promise<readonly Candidate[]> {
    checkKnown(options, campaignOptions, 'candidates');
    const { connection, timeoutMs } = this.#parts;
    const reply = await connection.ask({ type: 'lock-queue', name: this.name }, { repeatable: true, timeoutMs, signal: options.signal });
    if (reply.type !== 'lock-waiting') throw new RegistryError('internal', `the registry answered lock-queue with ${reply.type}`);
    return reply.waiting.map(({ contender, value }) => ({ id: contender, ...(value === undefined ? {} : { value }) }));
  }

  async #leadOnce<T>(work: (lead: Lead) => Promise<T> | T, fences: readonly Fence[], signal: AbortSignal | undefined): Promise<Term<T>> {
    const lead = await this.campaign({ signal });
    const resign = () => void lead.resign().catch(() => {});
    signal?.addEventListener('abort', resign, { once: true });
    let works = false;
    try {
      for (const fence of fences) await fence.raise(lead);
      lead.signal.throwIfAborted();
      works = true;
      const result = await work(lead);
      return lead.state === 'lost' ? { lost: lead.signal.reason as LeadershipLostError } : { result };
    } catch (error) {
      // A write that was refused may tell the function of the loss before a renewal tells the lease. A fence that refuses the newest token would refuse the next one, too.
      const isLost = error instanceof LeadershipLostError;
      if (lead.state !== 'lost' && !(works && isLost)) throw error;
      return { lost: isLost ? error : new LeadershipLostError(`election ${JSON.stringify(this.name)} is lost, and the function has thrown`, { cause: error }) };
    } finally {
      signal?.removeEventListener('abort', resign);
      await lead.resign().catch(() => {});
    }
  }
}

/** How one leadership ended, if not by an error. */
type Term<T> = { readonly result: T } | { readonly lost: LeadershipLostError };

function leaderOf(holders: readonly LockHolder[]): Leader | null {
  const [first] = holders;
  if (first === undefined) return null;
  return { id: first.contender, token: BigInt(first.token), ...(first.value === undefined ? {} : { value: first.value }) };
}

/** A program without types may give no options at all. */
function fencesIn(options: LeadOptions | undefined): readonly Fence[] {
  checkKnown(options ?? {}, { signal: true, fence: true, unfenced: true, campaignAgain: true }, 'lead');
  const { fence, unfenced } = (options ?? {}) as { readonly fence?: Fence | readonly Fence[]; readonly unfenced?: boolean };
  if ((fence === undefined) === (unfenced !== true)) {
    throw new RegistryError('invalid_argument', 'lead needs either a fence, such as registryFence or a FencedFile, or unfenced: true if two leaders for a moment do no harm');
  }
  return fence === undefined ? [] : Array.isArray(fence) ? (fence as readonly Fence[]) : [fence as Fence];
}
