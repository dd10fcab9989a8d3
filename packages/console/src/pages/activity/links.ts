/** Where a line of the activity leads: the page of the thing that its action names. Pure. */

/** A page: parts of its path, and its query. */
export interface Target {
  readonly parts: readonly string[];
  readonly query: Readonly<Record<string, string>>;
}

interface Pattern {
  readonly pattern: RegExp;
  readonly target: (name: string) => Target;
}

const service = (name: string): Target => ({ parts: ['services', name], query: {} });
const listed = (part: string) => (name: string): Target => ({ parts: [part], query: { filter: name } });

/** The first that matches counts. */
const patterns: readonly Pattern[] = [
  { pattern: /\/v1\/kv\/([^\s?]+)/, target: listed('keys') },
  { pattern: /\/rollcall\/v1\/routes of "([^"]+)"/, target: service },
  { pattern: /\bof config "([^"]+)"|\/rollcall\/v1\/config\S* of "([^"]+)"/, target: listed('config') },
  { pattern: /\/rollcall\/v1\/locks\/\S+ (\S+)|^lock-(?:acquire|release|transfer) (\S+)/, target: listed('locks') },
  { pattern: /^kv-put (.+)|^kv-delete (?:everything under )?(.+)/, target: listed('keys') },
  { pattern: /\bservice:\w+ "([^"]+)"/, target: service },
  { pattern: /\bkey:\w+ "([^"]+)"/, target: listed('keys') },
  { pattern: /\bnode:\w+ "([^"]+)"/, target: listed('nodes') },
  { pattern: /^register \S+ of ([^\s,]+)/, target: service },
  { pattern: /\/(?:v1\/acl|rollcall\/v1\/access)\/tokens?\b/, target: () => ({ parts: ['access'], query: {} }) },
  { pattern: /\/(?:v1\/acl|rollcall\/v1\/access)\/polic(?:y|ies)\b/, target: () => ({ parts: ['access', 'policies'], query: {} }) },
  { pattern: /\/(?:v1\/acl|rollcall\/v1\/access)\/roles?\b/, target: () => ({ parts: ['access', 'roles'], query: {} }) },
  { pattern: /\/rollcall\/v1\/expiry\/override|\/rollcall\/v1\/leave/, target: () => ({ parts: ['cluster'], query: {} }) },
];

/**
 * @param pages first parts of the paths of all pages
 * @returns undefined when the action names nothing that has a page
 */
export function targetOf(action: string, pages: ReadonlySet<string>): Target | undefined {
  for (const { pattern, target } of patterns) {
    const found = pattern.exec(action);
    if (found === null) continue;
    const named = target(decoded(found.slice(1).find((part) => part !== undefined) ?? ''));
    return pages.has(named.parts[0] ?? '') ? named : undefined;
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
