/**
 * An abort signal that looks at the clock when it is looked at. After a pause of the process, callbacks of sockets may run before the timer
 * that aborts; code that asks the signal first, or passes it to a call that does, is stopped nevertheless.
 */

export interface GuardedSignal {
  readonly signal: AbortSignal;
  /** Fires the signal, once. */
  abort(reason: unknown): void;
}

/** @param check called before each look at the signal; may call `abort` */
export function guardedSignal(check: () => void): GuardedSignal {
  const controller = new AbortController();
  const { signal } = controller;
  const { aborted, reason } = Object.getOwnPropertyDescriptors(AbortSignal.prototype);
  const look = (of: PropertyDescriptor): unknown => {
    check();
    return of.get?.call(signal);
  };
  Object.defineProperties(signal, {
    aborted: { get: () => look(aborted) },
    reason: { get: () => look(reason) },
    throwIfAborted: {
      value: () => {
        check();
        AbortSignal.prototype.throwIfAborted.call(signal);
      },
    },
  });
  return { signal, abort: (why) => controller.abort(why) };
}
