/**
 * Names of views. A view is an answer that can be watched; its revision rises only when its own content changes. Each
 * room names its views (`kind/NAME/views.ts`): first the kind of the view, for a view of a namespace the namespace, then
 * what tells views apart, joined by NUL.
 */

export interface ParsedView {
  readonly kind: string;
  /** Empty for a view that shows every namespace. */
  readonly namespace: string;
  /** Empty for a view that has none. */
  readonly name: string;
}

export function parseView(view: string): ParsedView {
  const first = view.indexOf('\0');
  if (first < 0) return { kind: view, namespace: '', name: '' };
  const kind = view.slice(0, first);
  const second = view.indexOf('\0', first + 1);
  if (second < 0) return { kind, namespace: view.slice(first + 1), name: '' };
  return { kind, namespace: view.slice(first + 1, second), name: view.slice(second + 1) };
}
