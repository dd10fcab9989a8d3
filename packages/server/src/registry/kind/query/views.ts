/** Names of the views of prepared queries: one for each namespace, which shows all of its queries. */

export const queriesView = (namespace: string) => `queries\0${namespace}`;
