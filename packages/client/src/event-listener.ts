/**
 * A listener of the program, as the client calls it: what it throws, or a promise of it rejects with, comes between no
 * two parts of the client and ends no process. It is told once as a process warning (`RollcallWarning`).
 */

/**
 * @param what names the listener in the warning
 * @returns calls `listener` and never throws
 */
export function guardedListener<T>(listener: ((event: T) => unknown) | undefined, what: string): (event: T) => void {
  let told = false;
  const failed = (error: unknown) => {
    if (!told) warn(`${what} threw; it is called again, and what else it throws is not told: ${String(error)}`);
    told = true;
  };
  return (event) => {
    try {
      const returned = listener?.(event);
      // An async function is a listener, too.
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

export function warn(message: string): void {
  process.emitWarning(message, 'RollcallWarning');
}
