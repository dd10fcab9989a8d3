/** Signs in: with a token, at an OpenID provider, or with a JSON Web Token. Proofs are sent once; from then on the session is in a cookie that pages cannot read. */

import { createResource, createSignal, For, Show, type JSX } from 'solid-js';
import { Dialog } from './dialog.tsx';
import { beginAtProvider, signIn, signInMethods, signInWithJwt } from '../session.ts';

export function SignIn(props: { readonly namespace: string; readonly onClose: () => void }): JSX.Element {
  const [error, setError] = createSignal('');
  const [isSending, setSending] = createSignal(false);
  const [methods] = createResource(() => signInMethods(props.namespace).catch(() => []));
  const ofType = (type: string) => (methods() ?? []).filter((method) => method.type === type);
  const run = async (attempt: () => Promise<void>): Promise<void> => {
    setSending(true);
    try {
      await attempt();
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason));
    }
    setSending(false);
  };
  const send = (act: (form: FormData) => Promise<void>) => (event: SubmitEvent & { readonly currentTarget: HTMLFormElement }): void => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    void run(async () => {
      await act(form);
      props.onClose();
    });
  };
  return (
    <Dialog title="Sign in" onClose={props.onClose}>
      <Show when={ofType('oidc').length > 0}>
        <p class="providers">
          <For each={ofType('oidc')}>
            {({ name, displayName }) => <button type="button" class="primary" disabled={isSending()} onClick={() => void run(() => beginAtProvider(name, props.namespace))}>Sign in with {displayName || name}</button>}
          </For>
        </p>
      </Show>
      <form onSubmit={send((form) => signIn(textIn(form, 'token')))}>
        <label>
          Token
          <input name="token" type="password" autocomplete="off" required autofocus />
        </label>
        <p class="hint">An operator creates one: <code>rollcall acl token create --policy readers</code></p>
        <button type="submit" class="primary" disabled={isSending()}>Sign in</button>{' '}
        <button type="button" onClick={() => props.onClose()}>Cancel</button>
      </form>
      <Show when={ofType('jwt').length > 0}>
        <details>
          <summary>With a JSON Web Token</summary>
          <form onSubmit={send((form) => signInWithJwt(textIn(form, 'jwt'), textIn(form, 'method'), props.namespace))}>
            <label>Auth method <select name="method"><For each={ofType('jwt')}>{({ name, displayName }) => <option value={name}>{displayName || name}</option>}</For></select></label>
            <label>JSON Web Token <textarea class="mono" name="jwt" rows="4" required spellcheck={false} /></label>
            <button type="submit" disabled={isSending()}>Sign in with it</button>
          </form>
        </details>
      </Show>
      <Show when={error() !== ''}><p class="error" role="alert">{error()}</p></Show>
    </Dialog>
  );
}

function textIn(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
