/**
 * A button for an action that the caller may lack the right to, or that is not possible now: then it stays where it is, can get the focus, does nothing, and
 * says why. The server decides again when the action is done.
 */

import { createUniqueId, For, Show, type JSX } from 'solid-js';
import type { ExplainedDenial } from '@rollcall/protocol';
import { pastReason } from '../live/as-of.ts';

export interface ActionButtonProps {
  /** What the caller may not do; null and undefined: it may. */
  readonly denial?: ExplainedDenial | null | undefined;
  /** Why it is not possible now, whatever the caller may do. While the page shows the past, no action is. */
  readonly impossible?: string | undefined;
  /** `danger`: it cannot be taken back, or stops something. */
  readonly kind?: 'plain' | 'primary' | 'danger' | undefined;
  readonly onClick: () => void;
  readonly children: JSX.Element;
}

export function ActionButton(props: ActionButtonProps): JSX.Element {
  const id = createUniqueId();
  const impossible = (): string | undefined => pastReason() ?? props.impossible;
  const isOff = (): boolean => (props.denial ?? undefined) !== undefined || impossible() !== undefined;
  return (
    <span class="action">
      <button
        type="button"
        class={props.kind}
        aria-disabled={isOff() ? 'true' : undefined}
        aria-describedby={isOff() ? id : undefined}
        onClick={() => {
          if (!isOff()) props.onClick();
        }}
      >
        {props.children}
      </button>
      <Show when={isOff()}>
        <span class="reason" role="tooltip" id={id}>
          <Show when={props.denial} fallback={impossible()}>{(denial) => <DenialText denial={denial()} />}</Show>
        </span>
      </Show>
    </span>
  );
}

/** A denial for people: who lacks what, which rule decides, who can grant it. */
export function DenialText(props: { readonly denial: ExplainedDenial }): JSX.Element {
  const what = (): string => `${props.denial.resource}:${props.denial.verb}${props.denial.name === '' ? '' : ` on ${props.denial.name}`}`;
  return (
    <>
      {capital(props.denial.subject)} lacks <code>{what()}</code> in namespace {props.denial.namespace}: {props.denial.rule.source} says <code>{props.denial.rule.text}</code>.
      <Show when={props.denial.grantors}>
        {(grantors) => (
          <>
            <Show when={grantors().policies.length > 0}> Policies that allow it: <Names of={grantors().policies} />.</Show>
            <Show when={grantors().tokens.length > 0} fallback=" No token with a description can grant it."> Can be granted by: <Names of={grantors().tokens} />.</Show>
          </>
        )}
      </Show>
    </>
  );
}

/** A sentence begins with it, and names of tokens stay as they are. */
function capital(subject: string): string {
  return subject === 'the anonymous token' ? 'The anonymous token' : subject;
}

function Names(props: { readonly of: readonly string[] }): JSX.Element {
  return <For each={props.of}>{(name, at) => <>{at() === 0 ? '' : ', '}{name}</>}</For>;
}
