/**
 * What an empty list says. With access control it may be empty because the caller may read nothing of it: then it says who lacks which right, instead of
 * how to add the first thing.
 */

import { Show, type JSX } from 'solid-js';
import { answerTo } from '../live/answer.ts';
import { anonymousAccessor, denials, session } from '../session.ts';
import { DenialText } from './allowed.tsx';

/** @param props.children for a caller who may read the list */
export function MayRead(props: { readonly namespace: string; readonly resource: string; readonly children: JSX.Element }): JSX.Element {
  const denied = answerTo(() => (session()?.accessControl === true ? denials([{ namespace: props.namespace, resource: props.resource, verb: 'read' }]) : undefined));
  return (
    <Show when={denied().value?.[0]} fallback={props.children}>
      {(denial) => <>Nothing is here that you may read. <DenialText denial={denial()} /> <SignInFirst /></>}
    </Show>
  );
}

/** What a caller without a token can do about it. */
export function SignInFirst(): JSX.Element {
  return <Show when={session()?.subject.accessorId === anonymousAccessor}>Sign in to see more.</Show>;
}
