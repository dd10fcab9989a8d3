/** Names of the views of namespaces: one that shows all of them. */

export const namespacesView = () => 'namespaces';
