/**
 * Names of the views of locks.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `locks <namespace>` | all locks and contenders | that of its newest contender or its marker |
 * | `lock <namespace> <name>` | the holders of one lock; not those that wait, so a new one wakes no observer | that of its newest holder or its marker |
 * | `lock-contender <namespace> <id> <name>` | one contender | the row's, else that of `locks` |
 */

export const locksView = (namespace: string) => `locks\0${namespace}`;
export const lockView = (namespace: string, name: string) => `lock\0${namespace}\0${name}`;
export const contenderView = (namespace: string, name: string, id: string) => `lock-contender\0${namespace}\0${id}\0${name}`;
