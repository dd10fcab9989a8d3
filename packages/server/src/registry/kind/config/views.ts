/**
 * Names of the views of configurations.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `config <namespace> <group> <id>` | one configuration: its current release and its gray releases | that of its row or its marker |
 * | `configs <namespace>` | all configurations of a namespace | that of its newest row or its marker |
 */

export const configView = (namespace: string, group: string, id: string) => `config\0${namespace}\0${group}\0${id}`;
export const configsView = (namespace: string) => `configs\0${namespace}`;
