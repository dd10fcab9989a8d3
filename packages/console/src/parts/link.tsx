/** A link to a page of the console, which is opened without loading the console again. */

import type { JSX } from 'solid-js';
import { follow, hrefOf } from '../place.ts';

export function Link(props: { readonly to: readonly string[]; readonly query?: Readonly<Record<string, string>>; readonly children: JSX.Element }): JSX.Element {
  return <a href={hrefOf(props.to, props.query)} onClick={follow}>{props.children}</a>;
}
