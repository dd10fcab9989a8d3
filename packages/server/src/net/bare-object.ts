/**
 * An object for keys from outside: it inherits no property, so `__proto__` and `constructor` are keys like all others. V8 keeps an
 * object made by `Object.create(null)` as a hash table; this one has the form of usual objects, and is made and read in half the time.
 */

interface BareObjectConstructor {
  new (): object;
}

export const BareObject = function BareObject() {} as unknown as BareObjectConstructor;
(BareObject as unknown as { prototype: object }).prototype = Object.create(null) as object;
