/** Record keys and buckets of configurations. */

export const configKey = (namespace: string, group: string, id: string) => `config\0${namespace}\0${group}\0${id}`;
export const releaseKey = (namespace: string, group: string, id: string, number: number) =>
  `config-release\0${namespace}\0${group}\0${number}\0${id}`;

export const configBuckets = {
  inNamespace: (namespace: string) => `configs\0${namespace}`,
} as const;
