/** Writes a view of the native stream as of a past time, in slices: the same items as its snapshot had then. It checks no rights: the audience does. */

import { configNameParts, frameLimits, isItemView, RegistryError, type ConfigLayer, type FrameView, type ItemView } from '@rollcall/protocol';
import type { Configurations } from '../../configurations/configurations.ts';
import type { Past } from '../../history/past-states.ts';
import { Body } from '../../net/answers.ts';
import { ListWriter } from '../../net/list-writer.ts';
import type { Pace, Work } from '../../net/turns.ts';
import type { Audience } from '../../net/view-items/audience.ts';
import { ViewItems } from '../../net/view-items/view-items.ts';
import { namespaceOf } from '../../net/view-items/view-namespace.ts';
import { resolve, type Layer } from '../../registry/kind/config/resolve.ts';
import { unrestricted, type Authorizer } from '../../security/authorizer.ts';

export interface PastViewParts {
  readonly pace: Pace;
  readonly configurations: Configurations;
  readonly datacentre: string;
}

/** Reading an item and encoding it. */
const unitsPerItem = 5;

/**
 * @param audience undefined: the caller may read nothing of it
 * @param authorizer of the caller: each layer of a configuration needs a right of its own
 */
export function* pastView({ pace, configurations, datacentre }: PastViewParts, view: FrameView, past: Past, { audience, authorizer }: { readonly audience: Audience | undefined; readonly authorizer: Authorizer }): Work<Body> {
  const out = new ListWriter();
  out.write(`{"atMs":${past.atMs},"revision":${past.revision},"items":[`);
  let isPartial = audience !== unrestricted;
  if (audience !== undefined && isItemView(view)) yield* writeItems(out, pace, view, past, audience);
  if (audience !== undefined && !isItemView(view)) {
    const { app, name } = configNameParts(view.name) as { app: string; name: string };
    const namespace = namespaceOf(view);
    const { layers } = resolve(past.frozen, { namespace, app, name }, { app, datacentre, ...(view.cluster === undefined ? {} : { cluster: view.cluster }) });
    const readable = layers.filter(({ row }) => authorizer.allows(namespace, 'config', 'read', `${row.app}/${row.name}`));
    isPartial = readable.length < layers.length;
    out.write(readable.map((layer) => JSON.stringify(layerOf(configurations, layer))).join(','));
  }
  out.write(`]${isPartial ? ',"partial":true' : ''}}`);
  return new Body(out.finish());
}

function* writeItems(out: ListWriter, pace: Pace, view: ItemView, { frozen }: Past, audience: Audience): Work<void> {
  let bytes = 0;
  let separator = '';
  for (const found of new ViewItems(view, audience).all(frozen, new Map())) {
    if (typeof found === 'object') {
      const [, item] = found;
      bytes += item.bytes;
      if (bytes > frameLimits.snapshotBytesMax) throw new RegistryError('resource_exhausted', `${view.kind} ${JSON.stringify(view.name)} has more than ${frameLimits.snapshotBytesMax} bytes; ask for a part of it`);
      out.write(separator + item.json());
      separator = ',';
    }
    if (pace.spend(typeof found === 'number' ? found * unitsPerItem : unitsPerItem)) yield;
  }
}

/** Secrets stay masked for every caller: reading them is for the present, where it is audited. */
function layerOf({ contents }: Configurations, { row, release, rollout }: Layer): ConfigLayer {
  const { app, name, cluster } = row;
  return {
    ...{ app, name, cluster, release: release.number, hash: release.hash },
    ...(release.format === undefined ? {} : { format: release.format }),
    ...(rollout === undefined ? {} : { rollout: rollout.name }),
    ...(contents.hasSecrets(release.content) ? { masked: true } : {}),
    content: contents.shown(row, release.content, false),
  };
}
