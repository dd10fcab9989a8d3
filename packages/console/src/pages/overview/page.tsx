/** What is wrong now, the worst first, each with the page or the action that helps. */

import { createMemo, For, Show, type JSX } from 'solid-js';
import type { Overview, OverviewLine, ServiceHealth } from '@rollcall/protocol';
import { asOfMs } from '../../live/as-of.ts';
import { notAnswered } from '../../live/not-answered.ts';
import { polled } from '../../live/polled.ts';
import { hasServices, watchServices, withoutTraffic } from '../../live/service-health.ts';
import type { PageProps } from '../../pages.ts';
import { FirstSteps } from '../../parts/first-steps.tsx';
import { createDenied } from '../../parts/denied.ts';
import { Link } from '../../parts/link.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { LineItem, rightOf } from './lines.tsx';
import { ServiceLine } from './service-line.tsx';
import './page.css';

/** Services shown; their page has all. */
const servicesMax = 50;

/** What runs as it should but wants to be seen comes after what is wrong. */
const isUnderWay = ({ kind }: OverviewLine): boolean => kind === 'rollout' || kind === 'proposal';

export default function OverviewPage(props: PageProps): JSX.Element {
  const shown = watchServices(props.live, props.namespace);
  const asked = polled<Overview>('/rollcall/v1/overview', { 'x-rollcall-namespace': props.namespace }, props.live.isPaused);
  const outcome = createOutcome();
  const wrong = createMemo(() => shown().services.filter((service) => withoutTraffic(service) > 0 || service.warning > 0).sort(byHarm));
  const instances = createMemo(() => shown().services.reduce((sum, service) => sum + service.instances, 0));
  // By name, so that a line that stays keeps its elements, and the focus in them.
  const wrongNames = createMemo(() => wrong().slice(0, servicesMax).map(({ service }) => service));
  const lines = createMemo<readonly OverviewLine[]>((before) => {
    const known = new Map(before.map((line) => [JSON.stringify(line), line]));
    return (asked().content?.lines ?? []).map((line) => known.get(JSON.stringify(line)) ?? line);
  }, []);
  const faults = createMemo(() => lines().filter((line) => !isUnderWay(line)));
  const underWay = createMemo(() => lines().filter(isUnderWay));
  const left = createMemo(() => Object.values(asked().content?.more ?? {}).reduce((sum, count) => sum + count, 0));
  const missing = createMemo(() => asked().content?.missing ?? []);
  /** The lines of clients name the nodes themselves. */
  const isUnsaid = createMemo(() => missing().length > 0 && !lines().some(({ kind }) => kind === 'not-used'));
  const rightsOn = (service: string) => ({ namespace: props.namespace, resource: 'service', verb: 'write' as const, name: service });
  // The list itself says what the caller may do; only the reason has to be asked for.
  const denied = createDenied(() => [
    ...wrong().slice(0, servicesMax).filter(({ can }) => !can.includes('write')).map(({ service }) => rightsOn(service)),
    ...lines().flatMap((line) => rightOf(line, props.namespace) ?? []),
  ]);
  const denialOf = (line: OverviewLine) => {
    const right = rightOf(line, props.namespace);
    return right && denied(right);
  };
  const isQuiet = createMemo(() => wrong().length === 0 && faults().length === 0);
  return (
    <>
      <h1>Overview</h1>
      <Show when={shown().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <OutcomeLine outcome={outcome} />
      <Show when={shown().isReady}>
        <Show when={hasServices(shown()) || lines().length > 0} fallback={<FirstSteps namespace={props.namespace} />}>
          <dl class="figures">
            <div><dt>services</dt><dd>{shown().services.length}</dd></div>
            <div><dt>instances</dt><dd>{instances()}</dd></div>
            <div><dt>need attention</dt><dd classList={{ bad: !isQuiet() }}>{wrong().length + faults().length}</dd></div>
            <Show when={asked().error === undefined}><div><dt>under way</dt><dd>{underWay().length}</dd></div></Show>
          </dl>
          <h2>{asOfMs() === undefined ? 'What is wrong now' : 'What was wrong'}</h2>
          <Show when={asked().error}>{(error) => <p class="hint">Only the health of services is shown: {error()}.</p>}</Show>
          <Show when={!isQuiet()} fallback={<p class="all-well">Every instance gets traffic{asked().error === undefined ? ', and nothing else is wrong' : ''}.</p>}>
            <ul class="wrong">
              <For each={faults()}>{(line) => <LineItem line={line} namespace={props.namespace} missing={missing()} denial={denialOf(line)} outcome={outcome} />}</For>
              <For each={wrongNames()}>
                {(name) => <Show when={wrong().find(({ service }) => service === name)}>{(service) => <ServiceLine live={props.live} namespace={props.namespace} service={service()} denial={denied(rightsOn(name))} outcome={outcome} />}</Show>}
              </For>
            </ul>
            <Show when={wrong().length > servicesMax}><p class="hint"><Link to={['services']} query={{ sort: 'trouble' }}>{wrong().length - servicesMax} more services</Link></p></Show>
          </Show>
          <Show when={underWay().length > 0}>
            <h2>Under way</h2>
            <ul class="wrong"><For each={underWay()}>{(line) => <LineItem line={line} namespace={props.namespace} missing={missing()} denial={denialOf(line)} outcome={outcome} />}</For></ul>
          </Show>
          <Show when={isUnsaid()}><p class="hint">Whether clients use their releases is not known everywhere.{notAnswered(missing(), 'perhaps with clients that do not')}</p></Show>
          <Show when={asOfMs() !== undefined && asked().content !== undefined}><p class="hint">Freezes, certificates, webhooks, clients that do not use their release, and services with fewer instances than normally are known of the present only.</p></Show>
          <Show when={left() > 0}><p class="hint">{left()} more lines are left out.</p></Show>
        </Show>
      </Show>
    </>
  );
}

/** Services that serve nothing first, then by the share that does not. */
function byHarm(a: ServiceHealth, b: ServiceHealth): number {
  return withoutTraffic(b) / b.instances - withoutTraffic(a) / a.instances || b.instances - a.instances;
}
