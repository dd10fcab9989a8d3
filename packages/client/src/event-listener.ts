/**
 * Wraps a listener of the program: an error that it throws, or rejects with, neither interrupts the client nor
 * ends the process. The first error is a process warning (`RollcallWarning`).
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
