/** What the state machine asks of the program around it. It performs none of this itself. */

import type { Address, Packet, RowUpdate } from '../messages.ts';
import type { MemberChange } from './member.ts';

export type Action =
  /** Send a datagram; it may be lost. */
  | { readonly kind: 'send'; readonly to: Address; readonly packet: Packet }
  /** Ask over a stream whether the member lives, and call `streamAnswered` with the sequence if it does. */
  | { readonly kind: 'stream-ping'; readonly to: Address; readonly target: string; readonly sequence: number; readonly timeoutMs: number }
  /** Exchange states with the member at this address, and call `merge` with what it knows. */
  | { readonly kind: 'sync'; readonly with: Address }
  /** News of a row arrived. */
  | { readonly kind: 'row'; readonly update: RowUpdate }
  /** The state of a member has changed, or its address. */
  | { readonly kind: 'changed'; readonly change: MemberChange }
  /** Another process uses this member's name, at another address. */
  | { readonly kind: 'conflict'; readonly address: Address };
