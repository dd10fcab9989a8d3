/**
 * Checks the messages to watchers of one view: ordered (revisions rise), unique (no revision twice), reliable (the whole
 * content at each revision, and the last content in the end), atomic (all writes of a transaction appear at once) and resumable
 * (after a lost connection nothing is missing or repeated). The five guarantees are those that etcd states for its watch.
 *
 * A watcher may skip revisions: it gets the newest content, not each change.
 */

export interface WatchEvent {
  /** Position in the order of all events of the run. */
  readonly at: number;
  readonly revision: number;
  /** The whole content of the view: keys and values. */
  readonly content: Readonly<Record<string, string>>;
}

/** The messages to one watcher of a view, over all its connections. */
export interface Watched {
  readonly watcher: string;
  readonly events: readonly WatchEvent[];
  /** Whether it was connected to a healthy node when the run ended. */
  readonly connectedAtEnd: boolean;
}

export interface WatchOptions {
  /** The content of the view at the end, when nothing changed any more. */
  readonly final?: Readonly<Record<string, string>>;
  /** Sets of keys that every transaction writes together with one value. */
  readonly together?: readonly (readonly string[])[];
}

/** Breaches, one sentence each. */
export function checkWatches(watched: readonly Watched[], { final, together = [] }: WatchOptions = {}): string[] {
  const breaks: string[] = [];
  const known = new Map<number, { readonly text: string; readonly watcher: string }>();
  for (const { watcher, events, connectedAtEnd } of watched) {
    let last = -1;
    for (const { revision, content } of events) {
      if (revision < last) breaks.push(`ordered: ${watcher} was told revision ${revision} after ${last}`);
      if (revision === last) breaks.push(`unique: ${watcher} was told revision ${revision} twice`);
      last = Math.max(last, revision);
      const text = textOf(content);
      const other = known.get(revision);
      if (other === undefined) known.set(revision, { text, watcher });
      else if (other.text !== text) breaks.push(`reliable: at revision ${revision} ${watcher} saw ${text}, and ${other.watcher} saw ${other.text}`);
      for (const keys of together) {
        const values = new Set(keys.map((key) => content[key]));
        if (values.size > 1) breaks.push(`atomic: at revision ${revision} ${watcher} saw ${keys.map((key) => `${key}=${content[key] ?? 'none'}`).join(' ')}`);
      }
    }
    const end = events.at(-1);
    if (final !== undefined && connectedAtEnd && end !== undefined && textOf(end.content) !== textOf(final)) {
      breaks.push(`reliable: ${watcher} ended at revision ${end.revision} with ${textOf(end.content)}, and the view holds ${textOf(final)}`);
    }
    if (final !== undefined && connectedAtEnd && end === undefined && Object.keys(final).length > 0) {
      breaks.push(`reliable: ${watcher} was told nothing, and the view holds ${textOf(final)}`);
    }
  }
  return breaks;
}

function textOf(content: Readonly<Record<string, string>>): string {
  return `{${Object.keys(content).sort().map((key) => `${key}=${content[key]}`).join(' ')}}`;
}

/** An event of a stream that sends differences. */
export interface DeltaEvent {
  /** Undefined for a whole content. */
  readonly from: number | undefined;
  readonly revision: number;
}

/** Resumable: each difference begins at the revision of the watcher. */
export function checkDeltas(watcher: string, events: readonly DeltaEvent[]): string[] {
  let last: number | undefined;
  const breaks: string[] = [];
  for (const { from, revision } of events) {
    if (from !== undefined && from !== last) breaks.push(`resumable: ${watcher} was at revision ${last ?? 'none'} and got a difference from ${from} to ${revision}`);
    last = revision;
  }
  return breaks;
}
