/**
 * Wraps a listener of the program, so that its errors and rejections neither interrupt the client nor
 * end the process. The first error becomes a process warning (`RollcallWarning`).
 */

/**
 * @param what names the listener in the warning
 * @returns calls `listener` and never throws
 */
export function guardedListener<T>(listener: ((event: T) => unknown) | undefined, what: string): (event: T) => void {
  let told = false;
  const failed = (error: unknown) => {
    if (!told) warn(`${what} threw an error; it will be called again, and further errors are not reported: ${String(error)}`);
    told = true;
  };
  return (event) => {
    try {
      const returned = listener?.(event);
      // The listener may be an async function.
      if (returned instanceof Promise) returned.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

export function warn(message: string): void {
  process.emitWarning(message, 'RollcallWarning');
}
