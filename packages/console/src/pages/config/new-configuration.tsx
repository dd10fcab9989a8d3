/** Begins a configuration: its name, its format, and an empty draft. */

import { createSignal, For, Show, type JSX } from 'solid-js';
import { configFormats, formatOfName, type ConfigEnvironment } from '@rollcall/protocol';
import { ask } from '../../api.ts';
import { lookAgain } from '../../live/polled.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { go } from '../../place.ts';
import { defaultCluster, pathOf } from './data.ts';
import { hrefFor } from './tree.tsx';

export function NewConfiguration(props: { readonly environment: string; readonly environments: readonly ConfigEnvironment[]; readonly app: string; readonly onClose: () => void }): JSX.Element {
  const [error, setError] = createSignal('');
  const [name, setName] = createSignal('');
  let form!: HTMLFormElement;
  const create = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(form);
    const text = (field: string): string => {
      const value = fields.get(field);
      return typeof value === 'string' ? value.trim() : '';
    };
    const ref = { environment: text('environment'), app: text('app'), name: text('name'), cluster: text('cluster') || defaultCluster };
    try {
      // One that has a draft already is opened as it is: nothing is done then.
      await ask('POST', pathOf('/draft/save', ref), { content: text('format') === 'json' || text('format') === 'flags' ? '{}\n' : '', format: text('format'), cas: 0 });
      lookAgain();
      props.onClose();
      go(hrefFor(ref));
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    }
  };
  return (
    <Dialog title="New configuration" onClose={props.onClose}>
      <form ref={form} class="config-form" onSubmit={(event) => void create(event)}>
        <label>Environment <select name="environment"><For each={props.environments}>{({ environment }) => <option selected={environment === props.environment}>{environment}</option>}</For></select></label>
        <label>App <input name="app" required value={props.app} placeholder="shop" /></label>
        <label>Name <input name="name" required placeholder="app.yaml" onInput={(event) => setName(event.currentTarget.value)} /></label>
        <label>Format <select name="format"><For each={configFormats}>{(format) => <option selected={format === (formatOfName(name()) ?? 'text')}>{format}</option>}</For></select></label>
        <label>Cluster <input name="cluster" placeholder={defaultCluster} /></label>
        <Show when={error()}><p class="error" role="alert">{error()}</p></Show>
        <p><button type="submit" class="primary">Begin a draft</button>{' '}<button type="button" onClick={() => props.onClose()}>Cancel</button></p>
      </form>
    </Dialog>
  );
}
