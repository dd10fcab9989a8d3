/** The views of the registry that a client of the stream can watch or read, as frames name them. */

import type { ReaderFacts } from './config/layer.ts';

export const frameViewKinds = ['service', 'services', 'route', 'key', 'prefix', 'lock', 'config'] as const;

export type FrameViewKind = (typeof frameViewKinds)[number];

/** A view that can be watched or read; `name` is empty for `services`, and `APP/NAME` for `config`. */
export interface FrameView {
  readonly kind: FrameViewKind;
  /** Absent: `default`, not the namespace of the session. Pushes name the same one. */
  readonly namespace?: string;
  readonly name: string;
  /** Of `config` only: the cluster that the client is in; absent: none. */
  readonly cluster?: string;
}

/** A view of items, of which a change is a delta. A configuration is not: it comes as a whole. */
export type ItemView = FrameView & { readonly kind: Exclude<FrameViewKind, 'config'> };

export function isItemView(view: FrameView): view is ItemView {
  return view.kind !== 'config';
}

/** A view to watch, and the revision that the client already has. */
export interface WatchedView extends FrameView {
  /** Revision of the content that the client holds; absent when it holds none. */
  readonly revision?: number;
  /** Of `config` only: the releases that the client holds, as `releasesOf` names them. */
  readonly releases?: string;
  /** Of `config` only: what decides which release the client gets. */
  readonly reader?: ReaderFacts;
}
