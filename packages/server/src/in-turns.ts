/**
 * Does one long work in several turns of the event loop. A turn has a number of steps, not a time, so that tests are
 * deterministic. The work begins at once and goes on in every turn until it ends: a commit, a deadline or
 * a start must not wait in the queue of `net/turns.ts`, which shares turns among the requests of clients and refuses some.
 */

/** Some 4 ms, if a step looks at one row and takes a microsecond. */
const stepsPerTurn = 4_096;

/**
 * @param steps yields after each step, or after several: then it yields their number. All steps do about the same amount of work
 * @param perTurn steps between two turns of the event loop
 * @returns the return value of `steps`
 * @throws the error that `steps` throws
 */
export async function inTurns<T>(steps: Iterator<unknown, T>, perTurn = stepsPerTurn): Promise<T> {
  for (;;) {
    for (let left = perTurn; left > 0; ) {
      const { done, value } = steps.next();
      if (done === true) return value;
      left -= typeof value === 'number' ? value : 1;
    }
    await new Promise<void>((turn) => setImmediate(turn));
  }
}
