/**
 * Names of the views of generic records.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `records <namespace> <type>` | all records of a type | that of its newest row or its marker |
 * | `record <namespace> <type> <id>` | one record | the row's, else that of `records` |
 */

export const recordsView = (namespace: string, type: string) => `records\0${namespace}\0${type}`;
export const recordView = (namespace: string, type: string, id: string) => `record\0${namespace}\0${type}\0${id}`;
