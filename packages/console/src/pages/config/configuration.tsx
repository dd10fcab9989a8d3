/** One configuration: its title and parts, the part that the address names (undefined: what goes on), and beside it the state with the history. */

import { createMemo, For, Match, Show, Switch, type JSX } from 'solid-js';
import type { ConfigEnvironment } from '@rollcall/protocol';
import { pastReason } from '../../live/as-of.ts';
import type { LiveViews } from '../../live/views.ts';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { follow, hrefOf, place } from '../../place.ts';
import { ComparePart } from './compare.tsx';
import { defaultCluster, type Ref } from './data.ts';
import { EditPart } from './edit.tsx';
import { EffectivePart } from './effective.tsx';
import { createModel, openProposal } from './model.ts';
import { ReviewPart } from './review.tsx';
import { RolloutPart } from './rollout.tsx';
import { SettingsPart } from './settings.tsx';
import { StatePane } from './state.tsx';
import { hrefFor } from './tree.tsx';

const parts = [
  { part: '', name: 'Content' },
  { part: 'effective', name: 'What clients get' },
  { part: 'review', name: 'Review' },
  { part: 'rollout', name: 'Rollout' },
  { part: 'compare', name: 'Compare' },
  { part: 'settings', name: 'Settings' },
] as const;

export function ConfigurationPage(props: { readonly live: LiveViews; readonly of: Ref; readonly environment: ConfigEnvironment; readonly part: string | undefined }): JSX.Element {
  const model = createModel(props.of, props.live, () => props.environment);
  const outcome = createOutcome();
  const row = createMemo(() => model.one().content);
  const part = createMemo(() => props.part ?? ((row()?.rollouts ?? []).length > 0 ? 'rollout' : openProposal(model) !== undefined ? 'review' : ''));
  return (
    <>
      <section class="config-main" aria-label={`Configuration ${props.of.app}/${props.of.name}`}>
        <div class="config-title">
          <p class="way">
            <a href={hrefOf(['config'])} onClick={follow}>Configuration</a> / <a href={hrefOf(['config', props.of.environment])} onClick={follow}>{props.of.environment}</a>
          </p>
          <h1>{props.of.app}<span class="hint">/</span>{props.of.name}<Show when={props.of.cluster !== defaultCluster}><span class="config-cluster"> @{props.of.cluster}</span></Show></h1>
          <p class="config-about">
            <Show when={row()?.format}>{(format) => <span class="chip">{format()}</span>}</Show>
            <Show when={row()?.schema}><span class="chip">schema</span></Show>
            <Show when={row()?.visibility === 'public'}><span class="chip">public</span></Show>
            <Show when={row()?.owner === 'git'}><span class="chip">from a repository</span></Show>
            <For each={row()?.tags ?? []}>{(tag) => <span class="chip">{tag}</span>}</For>
            <span class="hint">{row()?.description}</span>
          </p>
          <div class="config-tabs" role="navigation" aria-label="Parts of the configuration">
            <For each={parts}>
              {(each) => <a href={hrefFor(props.of, each.part)} aria-current={part() === each.part ? 'page' : undefined} onClick={follow}>{each.part === 'compare' && pastReason() !== undefined ? 'Compare with now' : each.name}</a>}
            </For>
          </div>
        </div>
        <Show when={model.one().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
        <OutcomeLine outcome={outcome} />
        <Show when={row() !== undefined}>
          <Switch fallback={<EditPart model={model} outcome={outcome} />}>
            <Match when={part() === 'effective'}><EffectivePart model={model} /></Match>
            <Match when={part() === 'review'}><ReviewPart model={model} outcome={outcome} number={place().query.get('proposal') ?? ''} /></Match>
            <Match when={part() === 'rollout'}><RolloutPart model={model} outcome={outcome} /></Match>
            <Match when={part() === 'settings'}><SettingsPart model={model} outcome={outcome} /></Match>
            <Match when={part() === 'compare'}><ComparePart model={model} from={place().query.get('from') ?? ''} to={place().query.get('to') ?? ''} /></Match>
          </Switch>
        </Show>
      </section>
      <StatePane model={model} outcome={outcome} />
    </>
  );
}
