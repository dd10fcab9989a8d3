/** What each kind of line of the overview says, where it leads, and its one action. */

import { Show, type JSX } from 'solid-js';
import type { ExpiryOverride, OverviewLine } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { overrideText } from '../../live/expiry-override.ts';
import { notAnswered } from '../../live/not-answered.ts';
import { pastReason } from '../../live/as-of.ts';
import { clockOf, spanOf } from '../../live/time.ts';
import { Link } from '../../parts/link.tsx';
import type { Outcome } from '../../parts/outcome.tsx';

interface Said {
  readonly level: 'bad' | 'warn' | 'info';
  readonly what: string;
  readonly about: string;
  readonly to: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly action: string;
}

function say({ line, namespace, missing }: Omit<LineProps, 'outcome'>, nowMs: number): Said {
  switch (line.kind) {
    case 'freeze':
      return { level: 'bad', what: 'Expiry is frozen', about: `${line.held} lapsed leases wait since ${clockOf(line.sinceMs, nowMs)}: so many at once look like a fault of the network. It ends at ${clockOf(line.untilMs, nowMs)}.`, to: ['cluster'], action: 'See the cluster' };
    case 'fewer':
      return { level: line.instances === 0 ? 'bad' : 'warn', what: line.name, about: line.instances === 0 ? `No instance is left; normally there are ${line.normally}.` : `It has ${line.instances} instances; normally there are ${line.normally}.`, to: ['services', line.name], action: 'See the service' };
    case 'node':
      return { level: 'bad', what: line.name, about: 'A check of the node is critical: its instances get no traffic.', to: ['nodes', line.name], action: 'See the node' };
    case 'rollout':
      return { level: line.state === 'paused' ? 'warn' : 'info', what: `${line.app}/${line.name}`, about: `Release ${line.release} is ${line.state === 'paused' ? 'paused' : 'on its way'}: stage ${line.stage} of ${line.stages} of the rollout ${line.rollout}.`, ...configPlace(line, namespace, 'rollout'), action: 'See the rollout' };
    case 'rolled-back':
      return { level: 'bad', what: `${line.app}/${line.name}`, about: `An alarm ended the rollout at ${clockOf(line.atMs, nowMs)}. ${line.message}`, ...configPlace(line, namespace), action: 'See the release' };
    case 'proposal':
      return { level: 'info', what: `${line.app}/${line.name}`, about: `Proposal ${line.number}${line.by === '' ? '' : ` by ${line.by}`} waits: ${line.needed === 0 ? 'it needs no approval' : `${line.approvals} of ${line.needed} approvals`}.`, ...configPlace(line, namespace, 'review'), action: 'Review' };
    case 'not-used':
      return { level: 'warn', what: `${line.app}/${line.name}`, about: `${line.clients} of ${line.of} clients do not use the release that they were given. ${line.error}${notAnswered(missing, 'perhaps with more of them')}`, ...configPlace(line, namespace), action: 'See the clients' };
    case 'certificate':
      return { level: line.untilMs < nowMs ? 'bad' : 'warn', what: `Certificate of ${line.listener}`, about: certificateText(line, nowMs), to: ['cluster'], action: 'See the cluster' };
  }
}

function configPlace({ app, name, cluster }: { readonly app: string; readonly name: string; readonly cluster: string }, namespace: string, part?: 'rollout' | 'review'): Pick<Said, 'to' | 'query'> {
  return { to: ['config', namespace, app, name, ...(part === undefined ? [] : [part])], query: { cluster: cluster === 'default' ? '' : cluster } };
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
  readonly outcome: Outcome;
}

export function LineItem(props: LineProps): JSX.Element {
  const said = (): Said => say(props, Date.now());
  const override = (): void => {
    void props.outcome.run(async () => {
      return { text: overrideText(await ask<ExpiryOverride>('POST', '/rollcall/v1/expiry/override')) };
    });
  };
  return (
    <li>
      <span class={`mark-of ${said().level}`} />
      <span class="what"><Link to={said().to} query={said().query ?? {}}>{said().what}</Link></span>
      <span>{said().about}</span>
      <span class="act">
        <Show when={props.line.kind === 'freeze'} fallback={<Link to={said().to} query={said().query ?? {}}>{said().action}</Link>}>
          <button type="button" disabled={pastReason() !== undefined} title={pastReason() ?? 'The loss is real: expire the lapsed leases now'} onClick={override}>Expire now</button>
        </Show>
      </span>
    </li>
  );
}
