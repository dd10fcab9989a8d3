/** The messages between the primary process of `rollcall serve` and its workers, over the channel of `node:cluster`. */

import type { Ports, WorkerAccess } from '@rollcall/server';
import type { Settings } from '../settings/table.ts';

export type ToWorker =
  /** The answer to `ready`. */
  | {
      readonly kind: 'begin';
      /** From 1. */
      readonly number: number;
      readonly memberId: string;
      readonly primary: WorkerAccess;
      readonly settings: Settings;
      readonly dnsOptional: boolean;
    }
  | { readonly kind: 'reload certificates' }
  /** Answered with `alive`. */
  | { readonly kind: 'look' }
  | { readonly kind: 'close' };

export type FromWorker =
  /** It now listens to messages; earlier ones are lost. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'alive' }
  | { readonly kind: 'serving'; readonly url: string; readonly ports: Ports }
  /** It ends after this. */
  | { readonly kind: 'failed'; readonly exitCode: number; readonly message: string };
