/** What each kind of line of the overview says, where it leads, and its one action. */

import { Show, type JSX } from 'solid-js';
import type { ExpiryOverride, ExplainedDenial, OverviewLine } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { overrideText } from '../../live/expiry-override.ts';
import { notAnswered } from '../../live/not-answered.ts';
import { nowMs } from '../../live/now.ts';
import { lookAgain } from '../../live/polled.ts';
import { clockOf, spanOf } from '../../live/time.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { Link } from '../../parts/link.tsx';
import type { Outcome } from '../../parts/outcome.tsx';
import type { Question } from '../../session.ts';
import { testWebhook } from '../cluster/test-webhook.ts';
import { pathOf } from '../config/data.ts';

interface Said {
  readonly level: 'bad' | 'warn' | 'info';
  readonly what: string;
  readonly about: string;
  readonly to: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly action: string;
}

function say({ line, namespace, missing }: Pick<LineProps, 'line' | 'namespace' | 'missing'>, nowMs: number): Said {
  switch (line.kind) {
    case 'freeze':
      return { level: 'bad', what: 'Expiry is frozen', about: `${line.held} lapsed leases wait since ${clockOf(line.sinceMs, nowMs)}: so many at once look like a fault of the network. It ends at ${clockOf(line.untilMs, nowMs)}.`, to: ['cluster'], action: 'See the cluster' };
    case 'fewer':
      return { level: line.instances === 0 ? 'bad' : 'warn', what: line.name, about: line.instances === 0 ? `No instance is left; normally there are ${line.normally}.` : `It has ${line.instances} instances; normally there are ${line.normally}.`, to: ['services', line.name], action: 'See who is left' };
    case 'node':
      return { level: 'bad', what: line.name, about: 'A check of the node is critical: its instances get no traffic.', to: ['nodes', line.name], action: 'See its checks' };
    case 'rollout':
      return { level: line.state === 'paused' ? 'warn' : 'info', what: `${line.app}/${line.name}`, about: `Release ${line.release} is ${line.state === 'paused' ? 'paused' : 'on its way'}: stage ${line.stage} of ${line.stages} of the rollout ${line.rollout}.`, ...configPlace(line, namespace, 'rollout'), action: 'See the rollout' };
    case 'rolled-back':
      return { level: 'bad', what: `${line.app}/${line.name}`, about: endedText(line, nowMs), ...configPlace(line, namespace), action: 'Mend the content' };
    case 'proposal':
      return { level: 'info', what: `${line.app}/${line.name}`, about: `Proposal ${line.number}${line.by === '' ? '' : ` by ${line.by}`} waits: ${line.needed === 0 ? 'it needs no approval' : `${line.approvals} of ${line.needed} approvals`}.`, ...configPlace(line, namespace, 'review'), action: 'Review' };
    case 'not-used':
      return { level: 'warn', what: `${line.app}/${line.name}`, about: `${line.clients} of ${line.of} clients do not use the release that they were given. ${line.error}${notAnswered(missing, 'perhaps with more of them')}`, ...configPlace(line, namespace, 'rollout'), action: 'See the clients, roll back' };
    case 'webhook':
      return { level: 'warn', what: `Webhook ${line.name}`, about: webhookText(line, nowMs), to: ['cluster'], query: { webhook: line.name }, action: 'See its deliveries' };
    case 'certificate':
      return { level: line.untilMs < nowMs ? 'bad' : 'warn', what: `Certificate of ${line.listener}`, about: certificateText(line, nowMs), to: ['cluster'], action: 'See all certificates' };
  }
}

function configPlace({ app, name, cluster }: { readonly app: string; readonly name: string; readonly cluster: string }, namespace: string, part?: 'rollout' | 'review'): Pick<Said, 'to' | 'query'> {
  return { to: ['config', namespace, app, name, ...(part === undefined ? [] : [part])], query: { cluster: cluster === 'default' ? '' : cluster } };
}

/** The message names the alarm and says what it has counted; a message that the caller may not read is empty. */
function endedText({ atMs, message }: OverviewLine & { readonly kind: 'rolled-back' }, nowMs: number): string {
  return `At ${clockOf(atMs, nowMs)} ${message === '' ? 'an alarm ended the rollout' : message}.`;
}

/** The right that the action of a line needs; undefined when the line only leads somewhere. */
export function rightOf(line: OverviewLine, namespace: string): Question | undefined {
  if (line.kind === 'webhook') return { namespace, resource: 'operator', verb: 'write' };
  if (line.kind === 'freeze') return { resource: 'operator', verb: 'write' };
  if (line.kind === 'rollout') return { namespace, resource: 'config-publish', verb: 'write', name: `${line.app}/${line.name}` };
  return undefined;
}

function webhookText({ atMs, event, tries, waiting, error }: OverviewLine & { readonly kind: 'webhook' }, nowMs: number): string {
  const left = waiting === 0 ? 'The event was given up.' : `${waiting} event${waiting === 1 ? ' waits' : 's wait'}.`;
  return `${event} was not delivered, tried ${tries === 1 ? 'once' : `${tries} times`}, last at ${clockOf(atMs, nowMs)}: ${error}. ${left}`;
}

function certificateText({ of, subject, processes, untilMs }: OverviewLine & { readonly kind: 'certificate' }, nowMs: number): string {
  const which = `${of === 'own' ? 'The certificate' : 'The authority of clients,'} ${subject}${processes > 1 ? `, in ${processes} processes` : ''}`;
  return untilMs < nowMs ? `${which} expired at ${clockOf(untilMs, nowMs)}.` : `${which} expires in ${spanOf(untilMs - nowMs)}.`;
}

interface LineProps {
  readonly line: OverviewLine;
  readonly namespace: string;
  /** Nodes that have not answered which releases their clients use. */
  readonly missing: readonly string[];
  /** Why the caller may not do what the line offers. */
  readonly denial: ExplainedDenial | undefined;
  readonly outcome: Outcome;
}

export function LineItem(props: LineProps): JSX.Element {
  const said = (): Said => say(props, nowMs());
  const override = (): void => {
    void props.outcome.run(async () => {
      return { text: overrideText(await ask<ExpiryOverride>('POST', '/rollcall/v1/expiry/override')) };
    });
  };
  const test = ({ name }: OverviewLine & { readonly kind: 'webhook' }): void => {
    void props.outcome.run(async () => ({ text: await testWebhook(props.namespace, name) }));
  };
  const control = ({ app, name, cluster, rollout, release }: OverviewLine & { readonly kind: 'rollout' }, action: 'resume' | 'stop'): void => {
    void props.outcome.run(async () => {
      const { done } = await ask<{ readonly done: boolean }>('POST', pathOf('/rollout', { environment: props.namespace, app, name, cluster }), { rollout, action });
      lookAgain();
      const what = `The rollout ${rollout} of ${app}/${name}`;
      return { text: !done ? `${what} has ended, or is in that state already.` : action === 'stop' ? `${what} is stopped: release ${release} is taken back.` : `${what} goes on.` };
    });
  };
  return (
    <li>
      <span class={`mark-of ${said().level}`} />
      <span class="what"><Link to={said().to} query={said().query ?? {}}>{said().what}</Link></span>
      <span>{said().about}</span>
      <span class="act">
        <Show when={props.line.kind === 'freeze'}>
          <ActionButton denial={props.denial} onClick={override}>Expire now</ActionButton>{' '}
        </Show>
        <Show when={props.line.kind === 'webhook' ? props.line : undefined}>
          {(line) => <><ActionButton denial={props.denial} onClick={() => test(line())}>Test it</ActionButton>{' '}</>}
        </Show>
        <Show when={props.line.kind === 'rollout' ? props.line : undefined}>
          {(line) => (
            <>
              <Show when={line().state === 'paused'}><ActionButton denial={props.denial} onClick={() => control(line(), 'resume')}>Resume</ActionButton>{' '}</Show>
              <ActionButton kind="danger" denial={props.denial} onClick={() => control(line(), 'stop')}>Stop and roll back</ActionButton>{' '}
            </>
          )}
        </Show>
        <Link to={said().to} query={said().query ?? {}}>{said().action}</Link>
      </span>
    </li>
  );
}
