/** Which views of the registry a watched view of the stream is made of: their names, newest revision and changes. */

import { isItemView, type FrameView, type ItemView } from '@rollcall/protocol';
import { serviceRecordView, serviceView, servicesView } from '../../registry/kind/catalog/views.ts';
import { lockView } from '../../registry/kind/lock/views.ts';
import { defaultCluster } from '../../registry/kind/config/keys.ts';
import { configView } from '../../registry/kind/config/views.ts';
import { routeView } from '../../registry/kind/route/views.ts';
import { keyView, prefixView } from '../../registry/kind/kv/views.ts';
import type { Registry } from '../../registry/registry.ts';
import { configNameOf } from './config/config-name.ts';
import { namespaceOf } from '../../net/view-items/view-namespace.ts';

/** Name of a view in the registry. */
export function registryView(view: FrameView): string {
  if (isItemView(view)) return registryViews[view.kind](namespaceOf(view), view.name);
  return configView({ ...configNameOf(view), cluster: view.cluster ?? defaultCluster });
}

/** Further views whose changes may change the content: a service record may have a threshold below which all instances serve. */
function shapedBy(view: FrameView): readonly string[] {
  return view.kind === 'service' ? [serviceRecordView(namespaceOf(view), view.name)] : [];
}

/** The newest revision of the views that the content depends on. */
export function revisionOf({ views }: Pick<Registry, 'views'>, view: FrameView): number {
  return Math.max(views.revision(registryView(view)), ...shapedBy(view).map((other) => views.revision(other)));
}

/** Calls the listener when the content may have changed. @returns stops it */
export function watchContent({ views }: Pick<Registry, 'views'>, view: FrameView, listener: () => void): () => void {
  const stops = [registryView(view), ...shapedBy(view)].map((each) => views.watch(each, listener));
  return () => {
    for (const stop of stops) stop();
  };
}

const registryViews: Record<ItemView['kind'], (namespace: string, name: string) => string> = {
  service: serviceView,
  services: servicesView,
  route: routeView,
  key: keyView,
  prefix: prefixView,
  lock: lockView,
};
