/** Asks an operator why a key is written or deleted; the activity shows it. It may stay empty. */

import type { JSX } from 'solid-js';
import { frameLimits as limits } from '@rollcall/protocol';

export function ReasonBox(props: { readonly text: string; readonly onText: (text: string) => void }): JSX.Element {
  return <label>Reason <input value={props.text} maxlength={limits.reasonMax} placeholder="for the activity" onInput={(event) => props.onText(event.currentTarget.value)} /></label>;
}
