/**
 * How many clients use services: those of all nodes that watch one of them or choose its instances. Pages of the console, and the command
 * line while it asks, are not counted.
 */

import type { Context } from '../../net/frontend.ts';

/** Clients that are told apart; of more, their number is that of the service that has most. */
const clientsMax = 1_000;
/** Services that are asked about. */
const servicesMax = 16;
/** As the console (`packages/console`) and the command line (`rollcall instances`) say of themselves. */
const ownNames: ReadonlySet<string> = new Set(['console', 'rollcall instances']);

/** @returns undefined if that is not known */
export async function watchingClients({ clients, log }: Pick<Context, 'clients' | 'log'>, namespace: string, services: ReadonlySet<string>): Promise<number | undefined> {
  if (services.size > servicesMax) return undefined;
  try {
    const all = await Promise.all([...services].map((service) => clients.find({ namespace, service, limit: clientsMax })));
    if (all.some(({ count, lines }) => count > lines.length)) return Math.max(...all.map(({ count }) => count));
    const listed = all.flatMap(({ lines }) => lines.map((line) => JSON.parse(line) as { readonly id: string; readonly client: string }));
    return new Set(listed.filter(({ client }) => !ownNames.has(client)).map(({ id }) => id)).size;
  } catch (err) {
    log.warn({ err }, 'the clients of a service could not be counted');
    return undefined;
  }
}
