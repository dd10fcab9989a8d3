/**
 * What a registry without services shows: the commands that fill it, with the address of this server. The pages that show it turn live with the first
 * instance. A caller who may not read services hears why there are none for it.
 */

import { Show, type JSX } from 'solid-js';
import { answerTo } from '../live/answer.ts';
import { denials, session } from '../session.ts';
import { DenialText } from './allowed.tsx';
import { SignInFirst } from './may-read.tsx';

export function FirstSteps(props: { readonly namespace: string }): JSX.Element {
  const isControlled = (): boolean => session()?.accessControl === true;
  const denied = answerTo(() => (isControlled() ? denials([{ namespace: props.namespace, resource: 'service', verb: 'read' }]) : undefined));
  return (
    <section class="first-steps panel" aria-label="First steps">
      <h2>{isControlled() ? 'No service that you may read is registered' : 'No service is registered yet'}</h2>
      <Show when={denied().value?.[0]} fallback={<><Commands /><p class="hint" role="status"><span class="waiting" /> Waiting for the first instance …</p></>}>
        {(denial) => <p><DenialText denial={denial()} /> <SignInFirst /></p>}
      </Show>
    </section>
  );
}

function Commands(): JSX.Element {
  return (
    <>
      <p>This page shows the first instance as soon as it is registered. In any of these ways:</p>
      <ol>
        <li>
          <p>Start a program as an instance of a service:</p>
          <pre>rollcall run web --addr {location.host} --port 8080 -- ./server --port 8080</pre>
        </li>
        <li>
          <p>Register one by the HTTP API of Consul:</p>
          <pre>{`curl -X PUT ${location.origin}/v1/agent/service/register -d '{"Name": "web", "Port": 8080}'`}</pre>
        </li>
        <li>
          <p>Or publish a configuration:</p>
          <pre>{`rollcall config publish shop/application.properties --content 'log.level=info' --addr ${location.host}`}</pre>
        </li>
      </ol>
    </>
  );
}
