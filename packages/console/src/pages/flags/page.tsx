/** Feature flags: the flag sets of a namespace, the flags of a set, and one flag with its editor and its playground. */

import { createMemo, createSignal, Match, Show, Switch, type JSX } from 'solid-js';
import { pastReason } from '../../live/as-of.ts';
import type { PageProps } from '../../pages.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { FilterBox } from '../../parts/filter-box.tsx';
import { MayRead } from '../../parts/may-read.tsx';
import { filterRows } from '../../parts/filter-rows.ts';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { shownTime } from '../../parts/times.ts';
import { follow, go, hrefOf, place } from '../../place.ts';
import { readFlags, type ShownFlag } from './definition.ts';
import { FlagPage } from './flag-page.tsx';
import { clusterQuery, createEditDenial, watchSet, watchSets, type ConfigHead, type FlagContent, type SetRef } from './flag-sets.ts';
import { Followers } from './followers.tsx';
import { NewFlag } from './new-flag.tsx';
import './page.css';
import { targetingText } from './rule-text.ts';
import { readTargeting } from './rules.ts';

export default function FlagsPage(props: PageProps): JSX.Element {
  const ref = createMemo((): SetRef | undefined => {
    const [app, name] = props.parts;
    return app === undefined || name === undefined ? undefined : { namespace: props.namespace, app, name, cluster: place().query.get('cluster') ?? 'default' };
  }, undefined, { equals: (a, b) => JSON.stringify(a) === JSON.stringify(b) });
  return (
    <Show when={ref()} keyed fallback={<SetList {...props} />}>
      {(set) => (
        <Show when={props.parts[2]} keyed fallback={<FlagList live={props.live} set={set} />}>
          {(flag) => <FlagPage live={props.live} set={set} flag={flag} />}
        </Show>
      )}
    </Show>
  );
}

const setHref = ({ app, name, cluster }: Pick<SetRef, 'app' | 'name' | 'cluster'>): string => hrefOf(['flags', app, name], clusterQuery(cluster));

const setColumns: readonly Column<ConfigHead>[] = [
  { name: 'flag set', width: '2fr', cell: (row) => <a href={setHref(row)} onClick={follow}>{row.app}/{row.name}</a> },
  { name: 'cluster', width: '8rem', cell: (row) => row.cluster },
  { name: 'release', width: '7rem', cell: (row) => (row.release === 0 ? 'none' : `#${row.release}`) },
  { name: 'changed', width: '12rem', cell: (row) => shownTime(row.changedMs) },
  { name: 'draft', width: '8rem', cell: (row) => <Show when={row.draft}><span class="badge warning">draft</span></Show> },
];

function SetList(props: PageProps): JSX.Element {
  const shown = watchSets(props.live, props.namespace);
  const filter = filterRows<ConfigHead>({ Set: ({ app, name }) => `${app}/${name}`, Cluster: (row) => row.cluster, Release: ['number', (row) => row.release], Draft: ['boolean', (row) => row.draft !== undefined] });
  const rows = createMemo(() => filter.rows(shown().sets));
  return (
    <>
      <h1>Flags</h1>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <FilterBox label="Filter by words, or Draft == true" filter={filter} />
        <span class="count" role="status">{rows().length} of {shown().sets.length}</span>
      </div>
      <Show when={shown().isReady}>
        <Show when={shown().sets.length > 0} fallback={<div class="empty"><MayRead namespace={props.namespace} resource="config"><FirstFlag /></MayRead></div>}>
          <Table label="Flag sets" rows={rows()} columns={setColumns} open={(row) => go(setHref(row))} empty="No flag set matches the filter." />
        </Show>
      </Show>
    </>
  );
}

const example = '{"flags":{"new-checkout":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"fractional":[["on",10],["off",90]]}}}}';

/** No set, or none that this caller may read. */
function FirstFlag(): JSX.Element {
  return (
    <>
      <p>There is no flag set. A flag set is a configuration in flagd's format; publish one:</p>
      <pre tabindex="0">{`echo '${example}' > features.flags.json\nrollcall config publish shop/features.flags.json --content @features.flags.json --addr ${location.host}`}</pre>
    </>
  );
}

function FlagList(props: { readonly live: PageProps['live']; readonly set: SetRef }): JSX.Element {
  const shown = watchSet(props.live, props.set);
  // The draft is what the next publication shows, so it is what an operator works on.
  const content = createMemo(() => shown().content?.draft ?? shown().content?.release);
  const read = createMemo(() => (content() === undefined ? undefined : readFlags(content() as string)));
  const flags = createMemo((): readonly ShownFlag[] => {
    const now = read();
    return now?.ok === true ? now.flags : [];
  });
  const filter = filterRows<ShownFlag>({
    Flag: (row) => row.key,
    On: ['boolean', (row) => row.state === 'ENABLED'],
    Default: (row) => row.defaultVariant ?? '',
    Variants: ['texts', (row) => Object.keys(row.variants)],
    Rules: (row) => (row.targeting === undefined ? '' : JSON.stringify(row.targeting)),
  });
  const rows = createMemo(() => filter.rows(flags()));
  const refused = createEditDenial(props.set, shown);
  const [isCreating, setCreating] = createSignal(false);
  const outcome = createOutcome();
  const href = (flag: string): string => hrefOf(['flags', props.set.app, props.set.name, flag], clusterQuery(props.set.cluster));
  const columns: readonly Column<ShownFlag>[] = [
    { name: 'flag', width: '2fr', cell: (row) => <a href={href(row.key)} onClick={follow}>{row.key}</a> },
    { name: 'state', width: '6rem', cell: (row) => <span class="badge" classList={{ passing: row.state === 'ENABLED' }}>{row.state === 'ENABLED' ? 'on' : 'off'}</span> },
    { name: 'default', width: '8rem', cell: (row) => row.defaultVariant ?? '' },
    { name: 'variants', width: '2fr', cell: (row) => Object.keys(row.variants).join(', ') },
    { name: 'gets', width: '3fr', cell: (row) => targetingText(readTargeting(row.targeting), row.defaultVariant) },
  ];
  return (
    <>
      <p class="way"><a href={hrefOf(['flags'])} onClick={follow}>Flags</a></p>
      <h1>{props.set.app}/{props.set.name}</h1>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <Show when={shown().content?.draft !== undefined}><p class="hint">These are the flags of the draft, which is not published yet.</p></Show>
      <Followers live={props.live} set={props.set} />
      <OutcomeLine outcome={outcome} />
      <Show when={isCreating()}>
        <NewFlag set={props.set} content={shown().content as FlagContent} outcome={outcome} onClose={() => setCreating(false)} onCreated={(key) => go(href(key))} />
      </Show>
      <Switch>
        <Match when={read()?.ok === false && read()}>{(wrong) => <p class="error" role="alert">The content is no set of flags: {(wrong() as { readonly message: string }).message}</p>}</Match>
        <Match when={read()?.ok}>
          <div class="tools">
            <FilterBox label="Filter by words, or On == false" filter={filter} />
            <span class="count" role="status">{rows().length} of {flags().length}</span>
            <ActionButton denial={refused()} impossible={pastReason() ?? (shown().content?.head.owner === 'git' ? 'the flags come from a repository; change them there' : undefined)} onClick={() => setCreating(true)}>New flag</ActionButton>
          </div>
          <Table label={`Flags of ${props.set.name}`} rows={rows()} columns={columns} open={(row) => go(href(row.key))} empty={flags().length === 0 ? 'The set has no flags.' : 'No flag matches the filter.'} />
        </Match>
        <Match when={shown().content !== undefined}><p class="empty">It has no release, and no draft with content.</p></Match>
      </Switch>
    </>
  );
}
