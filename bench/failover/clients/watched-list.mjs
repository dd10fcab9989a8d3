/**
 * The list for clients without their own registry: the passing instances, kept up to date by the watch of npm
 * `consul`, and used in turn.
 */

import Consul from 'consul';

/**
 * @returns `next()`: the next origin; `onChange` is called with every new list
 */
export async function watchedList(registry, onChange = () => {}) {
  const { hostname, port } = new URL(registry);
  const consul = new Consul({ host: hostname, port: Number(port) });
  let origins = [];
  let turn = 0;
  const watch = consul.watch({ method: consul.health.service.bind(consul.health), options: { service: 'web', passing: true } });
  await new Promise((first) => {
    watch.on('change', (entries) => {
      origins = entries.map(({ Service }) => `http://${Service.Address}:${Service.Port}`);
      onChange(origins);
      if (origins.length > 0) first();
    });
    watch.on('error', () => {});
  });
  return {
    next() {
      if (origins.length === 0) throw new Error('no instance passes');
      return origins[turn++ % origins.length];
    },
  };
}
