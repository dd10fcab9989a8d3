/**
 * The palette: finds pages, actions, and what the registry has, by a few letters, and goes there. Keys alone are enough. It is a combobox with a list
 * (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/); what was chosen last comes first.
 */

import { createEffect, createMemo, createSignal, For, onCleanup, onMount, Show, type JSX } from 'solid-js';
import { closesOnce } from './closing.ts';
import { Icon } from './icon.tsx';
import { fits, pageOffers, recentOffers, remember, searchOffers, type Offer } from './palette-offers.ts';

export interface PaletteProps {
  readonly namespace: string;
  readonly actions: readonly Offer[];
  readonly onClose: () => void;
}

interface Found {
  /** What was typed. */
  readonly of: string;
  readonly offers: readonly Offer[];
  readonly note: string;
}

/** After the last letter, before the server is asked. */
const askMs = 80;

export default function Palette(props: PaletteProps): JSX.Element {
  let dialog!: HTMLDialogElement;
  let input!: HTMLInputElement;
  const close = closesOnce(() => dialog, () => props.onClose());
  const [typed, setTyped] = createSignal('');
  const [found, setFound] = createSignal<Found>({ of: '', offers: [], note: '' });
  const [chosen, setChosen] = createSignal(0);
  const local = createMemo(() => (typed() === '' ? [...recentOffers(), ...pageOffers(), ...props.actions] : [...pageOffers(), ...props.actions].filter(fits(typed()))));
  const offers = createMemo(() => {
    const text = typed().trim();
    // What was found for other letters counts only where it fits these.
    const all = text === '' ? local() : [...local(), ...(found().of === text ? found().offers : found().offers.filter(fits(text)))];
    return [...new Map(all.map((offer) => [offer.href ?? offer.name, offer])).values()];
  });

  onMount(() => {
    dialog.showModal();
    input.focus();
  });

  createEffect(() => {
    const text = typed().trim();
    setChosen(0);
    if (text === '') {
      setFound({ of: '', offers: [], note: '' });
      return;
    }
    const gone = new AbortController();
    const timer = setTimeout(() => {
      searchOffers(text, props.namespace, gone.signal).then((answer) => setFound({ of: text, ...answer }), (error: unknown) => {
        if (!gone.signal.aborted) setFound({ of: text, offers: [], note: error instanceof Error ? error.message : String(error) });
      });
    }, askMs);
    onCleanup(() => {
      clearTimeout(timer);
      gone.abort();
    });
  });

  const take = (offer: Offer | undefined): void => {
    if (offer === undefined) return;
    close();
    if (offer.href !== undefined) remember(offer);
    offer.run();
  };
  const move = (to: number): void => {
    const { length } = offers();
    if (length === 0) return;
    setChosen((to + length) % length);
    dialog.querySelector(`#${optionId(chosen())}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') move(chosen() + 1);
    else if (event.key === 'ArrowUp') move(chosen() - 1);
    else if (event.key === 'Home' && event.ctrlKey) move(0);
    else if (event.key === 'Enter') take(offers()[chosen()]);
    else return;
    event.preventDefault();
  };

  return (
    <dialog ref={dialog} class="palette" aria-label="Search" onCancel={close} onClose={close} onClick={(event) => event.target === dialog && close()}>
      <div class="palette-input">
        <Icon of="search" />
        <input
          ref={input}
          role="combobox"
          aria-label="Search services, instances, nodes, keys, configurations and more"
          aria-expanded={offers().length > 0}
          aria-controls="palette-list"
          aria-activedescendant={offers().length > 0 ? optionId(chosen()) : undefined}
          aria-autocomplete="list"
          autocomplete="off"
          spellcheck={false}
          placeholder="Search or go to …"
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <kbd>Esc</kbd>
      </div>
      <Show when={offers().length > 0} fallback={<p class="empty">{found().note === '' ? 'Nothing fits.' : found().note}</p>}>
        <ul id="palette-list" role="listbox" aria-label="Results">
          <For each={offers()}>
            {(offer, index) => (
              <li id={optionId(index())} role="option" aria-selected={index() === chosen()} onMouseMove={() => setChosen(index())} onClick={() => take(offer)}>
                <Icon of={offer.kind} />
                <span class="name">{offer.name}</span>
                <span class="about">{offer.about}</span>
                <span class="kind">{offer.label}</span>
              </li>
            )}
          </For>
        </ul>
      </Show>
      <p class="palette-note" role="status">{typed() === '' ? '' : found().note}</p>
    </dialog>
  );
}

function optionId(index: number): string {
  return `palette-${index}`;
}
