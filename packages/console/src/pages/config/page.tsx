/** Configurations: the tree on the left, and what it leads to: one configuration, the rules of an environment, or the first steps. */

import { createMemo, createSignal, Show, type JSX } from 'solid-js';
import type { ConfigEnvironment } from '@rollcall/protocol';
import { polled } from '../../live/polled.ts';
import type { PageProps } from '../../pages.ts';
import { place } from '../../place.ts';
import { ConfigurationPage } from './configuration.tsx';
import { defaultCluster, isSame, root, type Ref } from './data.ts';
import { EnvironmentPage } from './environment.tsx';
import { NewConfiguration } from './new-configuration.tsx';
import './page.css';
import { Tree } from './tree.tsx';
import { Welcome } from './welcome.tsx';

export default function ConfigPage(props: PageProps): JSX.Element {
  const environments = polled<readonly ConfigEnvironment[]>(`${root}/environments`, {}, props.live.isPaused);
  const [isCreating, setCreating] = createSignal(false);
  /** `/ui/config/APP/NAME` is in the present namespace, and leads to what goes on there: a rollout, or a proposal. */
  const isShort = (): boolean => props.parts.length === 2;
  const shown = createMemo(
    (): Ref | undefined => {
      const [environment, app, name] = isShort() ? [props.namespace, ...props.parts] : props.parts;
      return environment === undefined || app === undefined || name === undefined ? undefined : { environment, app, name, cluster: place().query.get('cluster') ?? defaultCluster };
    },
    undefined,
    { equals: (a, b) => a === b || (a !== undefined && b !== undefined && isSame(a, b)) },
  );
  const rules = (environment: string): ConfigEnvironment => environments().content?.find((each) => each.environment === environment) ?? { environment, order: 0, policy: {}, revision: 0 };
  return (
    <div class="config">
      <Tree live={props.live} namespace={props.namespace} environments={environments().content ?? []} shown={shown()} create={() => setCreating(true)} />
      <Show
        when={shown()}
        keyed
        fallback={
          <Show when={props.parts[0]} keyed fallback={<Welcome live={props.live} error={environments().error} create={() => setCreating(true)} />}>
            {(environment) => <EnvironmentPage live={props.live} environment={rules(environment)} isKnown={environments().content?.some((each) => each.environment === environment) === true} />}
          </Show>
        }
      >
        {(ref) => <ConfigurationPage live={props.live} of={ref} environment={rules(ref.environment)} part={isShort() ? undefined : (props.parts[3] ?? '')} />}
      </Show>
      <Show when={isCreating()}>
        <NewConfiguration environment={props.parts[0] ?? props.namespace} environments={environments().content ?? []} app={props.parts[1] ?? ''} onClose={() => setCreating(false)} />
      </Show>
    </div>
  );
}
