/**
 * Names of the views of sessions.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `sessions <namespace>` | all sessions | that of its newest row or its marker |
 * | `session <namespace> <id>` | one session | the row's, else that of `sessions` |
 */

export const sessionsView = (namespace: string) => `sessions\0${namespace}`;
export const sessionView = (namespace: string, id: string) => `session\0${namespace}\0${id}`;
