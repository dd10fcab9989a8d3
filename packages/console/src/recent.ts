/** What was chosen in the palette last, in this browser until its user signs out: names and where they lead. */

export interface Recent {
  readonly kind: string;
  readonly label: string;
  readonly name: string;
  readonly about: string;
  readonly href: string;
}

const key = 'rollcall-recent';
const recentMax = 6;

export function recent(): readonly Recent[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? '[]');
    return Array.isArray(kept) ? kept.filter(isRecent) : [];
  } catch {
    return [];
  }
}

function isRecent(value: unknown): value is Recent {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, label, name, about, href } = value as Partial<Record<keyof Recent, unknown>>;
  return [kind, label, name, about, href].every((each) => typeof each === 'string');
}

export function rememberRecent(chosen: Recent): void {
  try {
    localStorage.setItem(key, JSON.stringify([chosen, ...recent().filter(({ href }) => href !== chosen.href)].slice(0, recentMax)));
  } catch {
    // A browser that keeps nothing has no list of what was chosen last.
  }
}

export function forgetRecent(): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // As above.
  }
}
