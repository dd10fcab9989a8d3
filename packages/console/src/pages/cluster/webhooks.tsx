/** Webhooks: where this registry sends which events, and what came of the last ones. */

import { createMemo, createSignal, For, Show, type JSX } from 'solid-js';
import { isWebhookFailing, webhookEvents, type ExplainedDenial, type LastWebhookDelivery, type ShownWebhook, type WebhookDelivery, type WebhookList } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { lookAgain, polled } from '../../live/polled.ts';
import { ActionButton } from '../../parts/allowed.tsx';
import { createOutcome, OutcomeLine } from '../../parts/outcome.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { shownTime } from '../../parts/times.ts';
import { place, refine } from '../../place.ts';
import { Field, Form, textIn } from '../access/form.tsx';
import { testWebhook } from './test-webhook.ts';

const path = '/rollcall/v1/webhooks';
const secretBytes = 32;

const columns: readonly Column<ShownWebhook>[] = [
  { name: 'name', width: '1fr', cell: (row) => row.name },
  { name: 'state', width: '6rem', cell: (row) => <State row={row} /> },
  { name: 'waiting', width: '5rem', cell: (row) => <span class="num">{row.waiting}</span> },
  { name: 'dropped', width: '5rem', isExtra: true, isEmpty: (row) => row.dropped === 0, cell: (row) => <span class="num">{row.dropped}</span> },
  { name: 'last delivery', width: '3fr', cell: (row) => lastOf(row) },
  { name: 'url', width: '2fr', isExtra: true, cell: (row) => row.url },
];

export function Webhooks(props: { readonly namespace: string; readonly isPaused: () => boolean; readonly denial: ExplainedDenial | undefined }): JSX.Element {
  const headers = { 'x-rollcall-namespace': props.namespace };
  const list = polled<WebhookList>(path, headers, props.isPaused);
  const opened = (): string => place().query.get('webhook') ?? '';
  const setOpened = (name: string): void => refine({ webhook: name });
  const [isAdding, setAdding] = createSignal(false);
  const [secret, setSecret] = createSignal<string>();
  const [asked, setAsked] = createSignal<string>();
  const outcome = createOutcome();
  const rows = createMemo(() => list().content?.webhooks ?? []);
  const shown = createMemo(() => rows().find(({ name }) => name === opened()));
  const of = (name: string, action = ''): string => `${path}${action}?${new URLSearchParams({ name }).toString()}`;

  const add = async (form: FormData): Promise<void> => {
    const name = textIn(form, 'name');
    if (rows().some((row) => row.name === name)) throw new Error(`There is a webhook ${name} already.`);
    const services = textIn(form, 'services').split(',').map((each) => each.trim()).filter((each) => each !== '');
    const made = `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(secretBytes))))}`;
    await ask('PUT', of(name), { url: textIn(form, 'url'), secret: made, events: form.getAll('events'), ...(services.length === 0 ? {} : { services }) }, { headers });
    setAdding(false);
    setSecret(made);
    setOpened(name);
    lookAgain();
  };
  const test = (name: string): void => {
    void outcome.run(async () => ({ text: await testWebhook(props.namespace, name) }));
  };
  const remove = (name: string): void => {
    setAsked(undefined);
    void outcome.run(async () => {
      await ask('DELETE', of(name), undefined, { headers });
      lookAgain();
      return { text: `Webhook ${name} is deleted.` };
    });
  };

  return (
    <section aria-label="Webhooks">
      <h2>Webhooks</h2>
      <Show when={list().error}>{(error) => <p class="error" role="alert">{error()}</p>}</Show>
      <div class="tools">
        <ActionButton denial={props.denial} onClick={() => setAdding(true)}>Add a webhook</ActionButton>
      </div>
      <OutcomeLine outcome={outcome} />
      <Show when={secret()}>
        {(text) => (
          <div class="question" role="group" aria-label="Secret">
            <p>With this secret the receiver checks signatures. It is shown only now: <code>{text()}</code></p>
            <button type="button" onClick={() => setSecret(undefined)}>I have it</button>
          </div>
        )}
      </Show>
      <Table label="Webhooks" rows={rows()} columns={columns} open={(row) => setOpened(opened() === row.name ? '' : row.name)} empty="No program is told of events." />
      <Show when={shown()}>
        {(row) => (
          <section class="detail" aria-label={`Webhook ${row().name}`}>
            <h3>{row().name} <State row={row()} /></h3>
            <dl class="facts">
              <dt>URL</dt><dd>{row().url}</dd>
              <dt>events</dt><dd>{row().events.join(', ')}{row().services === undefined ? '' : ` of ${row().services?.join(', ')}`}</dd>
              <dt>waiting</dt><dd>{row().waiting}{row().dropped === 0 ? '' : `; ${row().dropped} were dropped, since too many waited`}</dd>
            </dl>
            <Show when={row().gap}>{(gap) => <p class="hint">Events between revisions {gap().from} and {gap().to} may be missing: when its sender went on at {shownTime(gap().atMs)}, the history did not reach back.</p>}</Show>
            <Show when={row().isSender} fallback={<p class="hint">{lastOf(row())}. Another process sends for it, and knows the deliveries before.</p>}>
              <ul><For each={row().deliveries}>{(each) => <li>{shownTime(each.atMs)}: {each.type} {outcomeOf(each)}{nextOf(each)}</li>}</For></ul>
            </Show>
            <p class="buttons">
              <ActionButton denial={props.denial} onClick={() => test(row().name)}>Test</ActionButton>{' '}
              <ActionButton denial={props.denial} kind="danger" onClick={() => setAsked(row().name)}>Delete</ActionButton>
            </p>
          </section>
        )}
      </Show>
      <Show when={asked()}>
        {(name) => (
          <div class="question" role="group" aria-label="Confirm">
            <p>Delete the webhook {name()}? Events that wait are not sent.</p>
            <button type="button" class="danger" onClick={() => remove(name())}>Delete the webhook</button>{' '}
            <button type="button" onClick={() => setAsked(undefined)}>Cancel</button>
          </div>
        )}
      </Show>
      <Show when={isAdding()}>
        <Form title="Add a webhook" action="Add" onSave={add} onClose={() => setAdding(false)}>
          <Field label="Name" name="name" value="" isRequired />
          <Field label="URL" name="url" value="" isRequired hint="http or https; link-local addresses are refused" />
          <fieldset>
            <legend>Events</legend>
            <div class="choices"><For each={webhookEvents}>{(each) => <label class="choice"><input type="checkbox" name="events" value={each} /> {each}</label>}</For></div>
          </fieldset>
          <Field label="Services and apps" name="services" value="" hint="Names with commas, pay* for all that begin with pay; empty for all" />
        </Form>
      </Show>
    </section>
  );
}

function State(props: { readonly row: ShownWebhook }): JSX.Element {
  const state = (): readonly [look: string, text: string] => {
    if (props.row.disabled) return ['', 'off'];
    if (isWebhookFailing(props.row.lastSuccess, props.row.lastFailure)) return ['critical', 'failing'];
    return props.row.lastSuccess === undefined ? ['', 'idle'] : ['passing', 'works'];
  };
  return <span class={`badge ${state()[0]}`}>{state()[1]}</span>;
}

/** The newer one of the two, by any process. */
function lastOf(row: ShownWebhook): string {
  const { lastSuccess: good, lastFailure: bad } = row;
  if (bad !== undefined && isWebhookFailing(good, bad)) return `${bad.type} ${outcomeOf({ ...bad, delivered: false })}`;
  return good === undefined ? 'none yet' : `${good.type} delivered`;
}

function outcomeOf({ delivered, tries, error }: LastWebhookDelivery & Pick<WebhookDelivery, 'delivered'>): string {
  return delivered ? 'delivered' : `failed ${tries === 1 ? 'once' : `${tries} times`}: ${error ?? ''}`;
}

function nextOf({ delivered, final }: WebhookDelivery): string {
  if (delivered) return '';
  return final === true ? '; given up' : '; it is tried again';
}
