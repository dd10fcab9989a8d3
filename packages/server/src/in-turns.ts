/**
 * Long work of the server's own that does not hold the event loop: some steps in one turn, then others have
 * theirs. Counted in steps and not in time, so that a test can say what a turn does.
 */

/** Of steps that look at one row each: some 4 ms at a microsecond a row. */
const stepsPerTurn = 4_096;

/**
 * @param steps yields after little work, always about the same
 * @param perTurn steps between two turns of the event loop
 * @returns what the steps return
 * @throws what they throw
 */
export async function inTurns<T>(steps: Iterator<unknown, T>, perTurn = stepsPerTurn): Promise<T> {
  for (;;) {
    for (let step = 0; step < perTurn; step++) {
      const { done, value } = steps.next();
      if (done === true) return value;
    }
    await new Promise<void>((turn) => setImmediate(turn));
  }
}
