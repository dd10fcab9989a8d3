/**
 * Whether a concurrent history is linearizable: whether its operations could have happened one after the other, each between
 * its call and its return, with these results. Knows no operation itself: a model says what each one does.
 *
 * The search is that of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993) with the cache of Lowe ("Testing for
 * Linearizability", 2017): a pair of the operations that are done and the state they led to is never tried twice. It is
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

export function linearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  limit = stepsMax,
): Verdict<Input, Output> {
  const head = linked(operations);
  const done = new Done(operations.length);
  const seen = new Set<string>();
  const stack: { readonly event: Event; readonly before: State }[] = [];
  const closed = operations.filter((operation) => operation.return !== Infinity).length;
  let closedDone = 0;
  let furthest = -1;
  let undone: readonly Operation<Input, Output>[] = [];
  let state = model.initial;
  let event = head.next;
  for (let steps = 0; closedDone < closed; steps++) {
    if (steps >= limit) return { ok: undefined, steps };
    const operation = event === undefined ? undefined : operations[event.operation];
    if (event !== undefined && operation !== undefined && event.match !== undefined) {
      const after = model.step(state, operation.input, operation.output);
      if (after !== undefined && seen.size < seen.add(done.key(event.operation) + model.key(after)).size) {
        stack.push({ event, before: state });
        state = after;
        done.flip(event.operation);
        if (operation.return !== Infinity) closedDone++;
        takeOut(event);
        event = head.next;
      } else {
        event = event.next;
      }
      continue;
    }
    // A return whose call is not done yet (or the end): the orders that begin like this one lead nowhere.
    if (closedDone > furthest) {
      furthest = closedDone;
      undone = operations.filter((each, index) => each.return !== Infinity && !done.has(index));
    }
    const last = stack.pop();
    if (last === undefined) return { ok: false, undone };
    state = last.before;
    done.flip(last.event.operation);
    if (operations[last.event.operation]?.return !== Infinity) closedDone--;
    putBack(last.event);
    event = last.event.next;
  }
  return { ok: true };
}

/** @returns an event before the first */
function linked<Input, Output>(operations: readonly Operation<Input, Output>[]): Event {
  const events: Event[] = [];
  operations.forEach((operation, index) => {
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
