/** Colours of the page for drawings on a canvas, which knows no variables. */

/** @param names of variables of `style.css`, without `--` */
export function colours<const T extends string>(inside: HTMLElement, names: readonly T[]): Readonly<Record<T, string>> {
  const probe = document.createElement('span');
  inside.append(probe);
  const found = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color] as const;
  });
  probe.remove();
  return Object.fromEntries(found) as Record<T, string>;
}
