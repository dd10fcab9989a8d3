/**
 * Decides whether a concurrent history is linearizable: whether its operations could have happened one after the other, each
 * between its call and its return, with these results. A model has the effects of the operations.
 *
 * The search is that of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with the cache of Lowe ("Testing for
 * Linearizability", 2017): no set of completed operations with the same state is tried twice. It is
 * exponential in the number of operations that overlap, so histories are cut by key before.
 */

/** An operation of which a client saw the call, and the return unless its outcome is unknown. */
export interface Operation<Input, Output> {
  readonly client: number;
  readonly input: Input;
  /** Undefined when the outcome is unknown: it may have happened, may happen later, or never. */
  readonly output: Output | undefined;
  /** Position of the call in the order of all events. */
  readonly call: number;
  /** Position of the return, above `call`; `Infinity` when the outcome is unknown. */
  readonly return: number;
  /** Of an unknown outcome: the position from which it cannot happen any more; `Infinity` by default. */
  readonly until?: number | undefined;
}

export interface Model<State, Input, Output> {
  readonly initial: State;
  /**
   * The state after the operation; undefined when the operation cannot have this output in this state. With an unknown output it
   * must always give a state.
   */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** The same for equal states, and different for others. */
  key(state: State): string;
}

export type Verdict<Input, Output> =
  | { readonly ok: true }
  /** `undone` are the operations that no order reaches, from the order that got furthest. */
  | { readonly ok: false; readonly undone: readonly Operation<Input, Output>[] }
  /** The search was given up after `steps`. */
  | { readonly ok: undefined; readonly steps: number };

/** Steps of the search for one key: some seconds. */
const stepsMax = 1_000_000;

/** A call, or a return, in a list that is linked both ways so that an operation can be taken out and put back. */
interface Event {
  readonly at: number;
  readonly operation: number;
  /** Of a call: its return. */
  readonly match: Event | undefined;
  previous: Event | undefined;
  next: Event | undefined;
}

/**
 * Operations of unknown outcome are kept apart: they need not have happened, so one is tried only where no other operation can
 * come next, and only if it changes something. Tried in the order of their calls, a few dozen of them would make the search
 * hopeless.
 */
export function linearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  limit = stepsMax,
): Verdict<Input, Output> {
  const head = linked(operations);
  const open = operations.flatMap(({ call, return: end, until = Infinity }, index) => (end === Infinity ? [{ call, index, until }] : [])).sort((one, other) => one.call - other.call);
  const done = new Done(operations.length);
  const seen = new Set<string>();
  /** The operations done so far, in order: a call that was taken out of the list, or the position of an open operation. */
  const stack: { readonly choice: Event | number; readonly before: State; readonly latestBefore: number }[] = [];
  /** The last call of the operations done so far: the next one happens at it or behind it. */
  let latest = -Infinity;
  let left = operations.length - open.length;
  let least = Infinity;
  let undone: readonly Operation<Input, Output>[] = [];
  let state = model.initial;
  /** The next to try here. */
  let choice: Event | number | undefined = head.next;

  /** Does the operation if it can come next. @returns whether it can */
  const tried = (index: number, chosen: Event | number): boolean => {
    const operation = operations[index];
    const after = operation && model.step(state, operation.input, operation.output);
    if (after === undefined) return false;
    const key = model.key(after);
    // An operation of unknown outcome that changes nothing need not have happened.
    if (typeof chosen === 'number' && key === model.key(state)) return false;
    if (seen.size === seen.add(done.key(index) + key).size) return false;
    stack.push({ choice: chosen, before: state, latestBefore: latest });
    state = after;
    latest = Math.max(latest, operation?.call ?? latest);
    done.flip(index);
    return true;
  };

  for (let steps = 0; left > 0; steps++) {
    if (steps >= limit) return { ok: undefined, steps };
    if (typeof choice === 'object') {
      if (choice.match === undefined) {
        // The call of this return is not done. No other call may come before it, except those of open operations.
        choice = 0;
      } else if (tried(choice.operation, choice)) {
        left--;
        takeOut(choice);
        choice = head.next;
      } else {
        choice = choice.next;
      }
      continue;
    }
    const next: number = choice ?? 0;
    const candidate = open[next];
    const firstReturn = firstReturnOf(head);
    if (candidate !== undefined && candidate.call < firstReturn) {
      choice = !done.has(candidate.index) && latest < candidate.until && tried(candidate.index, next) ? head.next : next + 1;
      continue;
    }
    if (left < least) {
      least = left;
      undone = operations.filter((each, index) => each.return !== Infinity && !done.has(index));
    }
    // No order that begins like this one is possible.
    const last = stack.pop();
    if (last === undefined) return { ok: false, undone };
    state = last.before;
    latest = last.latestBefore;
    if (typeof last.choice === 'number') {
      done.flip(open[last.choice]?.index ?? 0);
      choice = last.choice + 1;
    } else {
      done.flip(last.choice.operation);
      left++;
      putBack(last.choice);
      choice = last.choice.next;
    }
  }
  return { ok: true };
}

function firstReturnOf(head: Event): number {
  let event = head.next;
  while (event?.match !== undefined) event = event.next;
  return event?.at ?? Infinity;
}

/** The operations with a known outcome. @returns an event before the first */
function linked<Input, Output>(operations: readonly Operation<Input, Output>[]): Event {
  const events: Event[] = [];
  operations.forEach((operation, index) => {
    if (operation.return === Infinity) return;
    const end: Event = { at: operation.return, operation: index, match: undefined, previous: undefined, next: undefined };
    events.push({ at: operation.call, operation: index, match: end, previous: undefined, next: undefined }, end);
  });
  // Of two events at one position, the call comes first: then the operations overlap, which allows more orders.
  events.sort((one, other) => (one.at === other.at ? Number(one.match === undefined) - Number(other.match === undefined) : one.at - other.at));
  const head: Event = { at: -Infinity, operation: -1, match: undefined, previous: undefined, next: undefined };
  let last = head;
  for (const event of events) {
    event.previous = last;
    last.next = event;
    last = event;
  }
  return head;
}

function takeOut(call: Event): void {
  for (const event of [call, call.match]) {
    if (event?.previous !== undefined) event.previous.next = event.next;
    if (event?.next !== undefined) event.next.previous = event.previous;
  }
}

/** In the reverse order of `takeOut`, since the two events may be neighbours. */
function putBack(call: Event): void {
  for (const event of [call.match, call]) {
    if (event?.previous !== undefined) event.previous.next = event;
    if (event?.next !== undefined) event.next.previous = event;
  }
}

/** The set of operations that are done. */
class Done {
  readonly #words: Uint16Array;

  constructor(size: number) {
    this.#words = new Uint16Array(Math.ceil(size / 16));
  }

  has(index: number): boolean {
    return ((this.#words[index >> 4] ?? 0) & (1 << (index & 15))) !== 0;
  }

  flip(index: number): void {
    this.#words[index >> 4] = (this.#words[index >> 4] ?? 0) ^ (1 << (index & 15));
  }

  /** The set with one more operation, as a string. */
  key(more: number): string {
    this.flip(more);
    const key = String.fromCharCode(...this.#words);
    this.flip(more);
    return key;
  }
}
