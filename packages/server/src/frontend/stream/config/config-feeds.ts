/** The feeds of all configurations that streams of this server watch, one for each name, cluster and datacentre. */

import type { FrameView } from '@rollcall/protocol';
import type { Configurations } from '../../../configurations/configurations.ts';
import type { FanOut } from '../../../net/fan-out.ts';
import type { Registry } from '../../../registry/registry.ts';
import { namespaceOf } from '../../../net/view-items/view-namespace.ts';
import { ConfigFeed, type ConfigMember, type ConfigMemberOptions } from './config-feed.ts';
import { configNameOf } from './config-name.ts';

export interface ConfigFeedsOptions {
  readonly registry: Pick<Registry, 'state' | 'views'>;
  readonly configurations: Configurations;
  readonly fanOut: FanOut;
  /** Of this server: clients that name no datacentre are in it. */
  readonly datacentre: string;
}

export class ConfigFeeds {
  readonly #options: ConfigFeedsOptions;
  readonly #feeds = new Map<string, ConfigFeed>();

  constructor(options: ConfigFeedsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#feeds.size;
  }

  /** Adds a reader; sends it the content unless it has it. @returns the reader, and the revision of what it has then */
  add(view: FrameView, options: ConfigMemberOptions): { readonly member: ConfigMember; readonly revision: number } {
    const datacentre = options.facts.datacentre ?? this.#options.datacentre;
    const key = JSON.stringify([namespaceOf(view), view.name, view.cluster ?? '', datacentre]);
    const feed = this.#feeds.get(key) ?? this.#begin(key, view, datacentre);
    const member = feed.add(options);
    return { member, revision: feed.revision };
  }

  #begin(key: string, view: FrameView, datacentre: string): ConfigFeed {
    const { registry, configurations, fanOut } = this.#options;
    const onIdle = () => this.#feeds.delete(key);
    const feed = new ConfigFeed(view, { registry, configurations, fanOut, name: configNameOf(view), datacentre, onIdle });
    this.#feeds.set(key, feed);
    return feed;
  }
}
