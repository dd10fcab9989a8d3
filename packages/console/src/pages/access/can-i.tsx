/** Questions about rights: what a token may do with a name, with the rule that decides each, and which tokens may do one thing. The address has the question. */

import { createMemo, createResource, For, Show, type JSX } from 'solid-js';
import type { RightsCell, RightsMatrix, WhoMay } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { inNamespace } from './records.ts';
import { follow, hrefOf, place, refine } from '../../place.ts';

const verbs = ['read', 'list', 'write'] as const;
const whoResources = ['service', 'key', 'node', 'config', 'config-publish', 'config-approve', 'config-reveal', 'lock', 'session', 'query', 'event', 'znode', 'agent', 'acl', 'operator', 'keyring', 'mesh', 'peering'] as const;

export function CanI(props: { readonly namespace: string; readonly mayRead: boolean }): JSX.Element {
  const given = (name: string): string => place().query.get(name) ?? '';
  const asked = createMemo(() => ({ accessorId: given('token'), name: given('name'), namespace: props.namespace }));
  const [matrix] = createResource(asked, ({ accessorId, name, namespace }) => ask<RightsMatrix>('POST', '/rollcall/v1/access/matrix', { name, ...(accessorId === '' ? {} : { accessorId }) }, inNamespace(namespace)));
  const resources = createMemo(() => [...new Set(matrix.latest?.cells.map(({ resource }) => resource))]);
  const cell = (resource: string, verb: string): RightsCell | undefined => matrix.latest?.cells.find((each) => each.resource === resource && each.verb === verb);
  return (
    <>
      <div class="tools">
        <label>Name <input value={given('name')} placeholder="web, app/key, shop/app" onChange={(event) => refine({ name: event.currentTarget.value.trim() })} /></label>
        <Show when={props.mayRead}>
          <label>Token <input value={given('token')} placeholder="yours" aria-describedby="token-hint" onChange={(event) => refine({ token: event.currentTarget.value.trim() })} /></label>
          <span class="hint" id="token-hint">Accessor id; <a href={hrefOf(['access'])} onClick={follow}>choose one</a></span>
        </Show>
      </div>
      <Show when={matrix.error as Error | undefined}>{(error) => <p class="error" role="alert">{error().message}</p>}</Show>
      <Show when={matrix.error === undefined && matrix.latest}>
        {(shown) => (
          <section class="panel matrix-panel" aria-label="What it may do">
            <h2>What {shown().subject} may do {given('name') === '' ? '' : <>with <code>{given('name')}</code> </>}in namespace {props.namespace}</h2>
            <table class="matrix">
              <thead><tr><th scope="col">resource</th><For each={verbs}>{(verb) => <th scope="col">{verb}</th>}</For><th scope="col">deciding rule</th></tr></thead>
              <tbody>
                <For each={resources()}>
                  {(resource) => (
                    <tr>
                      <th scope="row">{resource}</th>
                      <For each={verbs}>{(verb) => <td><Show when={cell(resource, verb)}>{(known) => <span class={known().allowed ? 'good' : 'bad'} title={`${known().rule.source}: ${known().rule.text}`}>{known().allowed ? '✓ yes' : '✗ no'}</span>}</Show></td>}</For>
                      <td class="rule">{ruleText(cell(resource, 'write'))}</td>
                    </tr>
                  )}
                </For>
              </tbody>
            </table>
          </section>
        )}
      </Show>
      <Show when={props.mayRead}><WhoMay namespace={props.namespace} name={given('name')} /></Show>
    </>
  );
}

function WhoMay(props: { readonly namespace: string; readonly name: string }): JSX.Element {
  const resource = (): string => place().query.get('resource') ?? 'service';
  const verb = (): string => place().query.get('verb') ?? 'write';
  const asked = createMemo(() => ({ resource: resource(), verb: verb(), name: props.name, namespace: props.namespace }));
  const [who] = createResource(asked, ({ namespace, ...question }) => ask<WhoMay>('GET', `/rollcall/v1/access/who?${String(new URLSearchParams(question))}`, undefined, inNamespace(namespace)));
  return (
    <section class="panel" aria-label="Who may">
      <h2>Who may do it</h2>
      <div class="tools">
        <label>Verb <select value={verb()} onChange={(event) => refine({ verb: event.currentTarget.value })}><For each={verbs}>{(each) => <option value={each}>{each}</option>}</For></select></label>
        <label>Resource <select value={resource()} onChange={(event) => refine({ resource: event.currentTarget.value })}><For each={whoResources}>{(each) => <option value={each}>{each}</option>}</For></select></label>
        <span class="count" role="status">{who.latest?.count ?? 0} tokens may {verb()} {resource()} {props.name}</span>
      </div>
      <Show when={who.error as Error | undefined}>{(error) => <p class="error" role="alert">{error().message}</p>}</Show>
      <Show when={who.error === undefined && who.latest}>
        {(shown) => (
          <>
            <table class="matrix">
              <thead><tr><th scope="col">token</th><th scope="col">by</th></tr></thead>
              <tbody>
                <For each={shown().tokens}>
                  {(token) => (
                    <tr>
                      <th scope="row"><a href={hrefOf(['access', 'can-i'], { token: token.accessorId, name: props.name })} onClick={follow}>{token.description || token.accessorId.slice(0, 8)}</a></th>
                      <td class="rule">{token.rule.source}: <code>{token.rule.text}</code></td>
                    </tr>
                  )}
                </For>
              </tbody>
            </table>
            <Show when={shown().policies.length > 0}><p class="hint">Policies that allow it: {shown().policies.map(({ name }) => name).join(', ')}</p></Show>
          </>
        )}
      </Show>
    </section>
  );
}

function ruleText(cell: RightsCell | undefined): string {
  return cell === undefined ? '' : `${cell.rule.source}: ${cell.rule.text}`;
}
