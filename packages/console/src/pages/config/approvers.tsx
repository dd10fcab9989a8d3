/** Who can approve a draft or a proposal, for the operator who needs an approval. The server decides again when the approval is given. */

import { createResource, Show, type JSX } from 'solid-js';
import type { Approvers } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { pathOf } from './data.ts';
import type { Model } from './model.ts';

/** @param props.number of the proposal; absent: the draft, proposed by the caller */
export function ApproversText(props: { readonly model: Model; readonly number?: number }): JSX.Element {
  const number = (): Readonly<Record<string, string>> => (props.number === undefined ? {} : { number: String(props.number) });
  const [found] = createResource(() => [number()] as const, ([query]) => ask<Approvers>('GET', pathOf('/approvers', props.model.of, query)).catch(() => undefined));
  return (
    <Show when={found.latest}>
      {(approvers) => <span class="config-approvers" title={approvers().fourEyes ? 'Tokens that have edited it are left out: the environment asks for the approval of others.' : undefined}>{approversText(approvers())}</span>}
    </Show>
  );
}

function approversText({ accessControl, tokens, more = 0, unnamed = 0, roles = [], partial }: Approvers): string {
  if (!accessControl) return 'all callers, by the name that they give, since access control is off';
  if (tokens === undefined) return 'sign in to see who';
  const others = more + unnamed;
  const words = [...tokens, ...(others > 0 ? [`${others} other token${others === 1 ? '' : 's'}`] : []), ...(roles.length === 0 ? [] : [`tokens with the role${roles.length === 1 ? '' : 's'} ${roles.join(', ')}`])];
  return words.length === 0 ? 'no token and no role: an operator has to give the right to one' : `${words.join(', ')}${partial === true ? ', and perhaps more' : ''}`;
}
