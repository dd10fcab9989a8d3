/**
 * Names of the views of routes.
 *
 * | view | content | its revision is |
 * |---|---|---|
 * | `routes <namespace>` | all routes | that of its newest route or its marker |
 * | `route <namespace> <service>` | the route of one service | the row's, else that of `routes` |
 */

export const routesView = (namespace: string) => `routes\0${namespace}`;
export const routeView = (namespace: string, service: string) => `route\0${namespace}\0${service}`;
