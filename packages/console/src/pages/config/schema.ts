/** What a JSON Schema says about the keys and values of one place, for completion and hints. Pure. The server alone decides what is valid. */

export interface Option {
  readonly label: string;
  /** The type, or where it comes from. */
  readonly detail?: string;
  readonly info?: string;
}

type Node = Readonly<Record<string, unknown>>;

/** Steps into references and alternatives: a schema may refer to itself. */
const depthMax = 16;

/** @returns undefined when the text is no schema */
export function parseSchema(text: string | undefined): Node | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return asNode(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The keys that an object at the path may have. */
export function keysAt(schema: Node, path: readonly string[]): readonly Option[] {
  const found = new Map<string, Option>();
  for (const node of nodesAt(schema, path)) {
    const required = new Set(Array.isArray(node['required']) ? node['required'] : []);
    for (const [label, value] of Object.entries(asNode(node['properties']) ?? {})) {
      if (found.has(label)) continue;
      const [own = {}] = expanded(schema, asNode(value) ?? {}, 0);
      const detail = [typeOf(own), required.has(label) ? 'required' : ''].filter((part) => part !== '').join(', ');
      found.set(label, { label, detail, ...infoOf(own) });
    }
  }
  return [...found.values()];
}

/** The values that are named for a place: its constants, and both booleans. */
export function valuesAt(schema: Node, path: readonly string[]): readonly Option[] {
  const found = new Map<string, Option>();
  for (const node of nodesAt(schema, path)) {
    const values = [...(Array.isArray(node['enum']) ? (node['enum'] as unknown[]) : []), ...('const' in node ? [node['const']] : []), ...(node['type'] === 'boolean' ? [true, false] : [])];
    const preferred = node['default'];
    if (preferred !== undefined) values.push(preferred);
    for (const value of values) {
      if (typeof value === 'object') continue;
      const label = typeof value === 'string' ? value : JSON.stringify(value);
      if (!found.has(label)) found.set(label, { label, ...(value === preferred ? { detail: 'default' } : {}), ...infoOf(node) });
    }
  }
  return [...found.values()];
}

/** Type and description of a place, for people; empty when the schema says nothing. */
export function hintAt(schema: Node, path: readonly string[]): string {
  const [node] = nodesAt(schema, path);
  if (node === undefined) return '';
  const bounds = (['minimum', 'maximum', 'minLength', 'maxLength', 'pattern'] as const).flatMap((name) => (node[name] === undefined ? [] : [`${name} ${JSON.stringify(node[name])}`]));
  return [typeOf(node), ...bounds, typeof node['description'] === 'string' ? node['description'] : ''].filter((part) => part !== '').join(' · ');
}

function nodesAt(schema: Node, path: readonly string[]): readonly Node[] {
  let nodes = expanded(schema, schema, 0);
  for (const part of path) {
    nodes = nodes.flatMap((node) => {
      const properties = asNode(node['properties']);
      const next = properties !== undefined && Object.hasOwn(properties, part) ? properties[part] : (node['items'] !== undefined && /^\d+$/.test(part) ? node['items'] : node['additionalProperties']);
      const child = asNode(next);
      return child === undefined ? [] : expanded(schema, child, 0);
    });
  }
  return nodes;
}

/** The node with what it refers to, and its alternatives. */
function expanded(schema: Node, node: Node, depth: number): readonly Node[] {
  if (depth > depthMax) return [];
  const reference = node['$ref'];
  const target = typeof reference === 'string' && reference.startsWith('#') ? pointed(schema, reference.slice(1)) : undefined;
  const others = [target, ...['allOf', 'anyOf', 'oneOf'].flatMap((word) => (Array.isArray(node[word]) ? (node[word] as unknown[]) : []))];
  return [node, ...others.flatMap((other) => (asNode(other) === undefined ? [] : expanded(schema, asNode(other) ?? {}, depth + 1)))];
}

function pointed(schema: Node, pointer: string): Node | undefined {
  let node: unknown = schema;
  for (const part of pointer.split('/').slice(1)) {
    const parent = asNode(node);
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    node = parent !== undefined && Object.hasOwn(parent, name) ? parent[name] : undefined;
  }
  return asNode(node);
}

function typeOf(node: Node): string {
  const { type } = node;
  if (Array.isArray(node['enum'])) return (node['enum'] as unknown[]).slice(0, 4).map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' | ');
  return typeof type === 'string' ? type : Array.isArray(type) ? type.join(' | ') : '';
}

function infoOf(node: Node): { readonly info?: string } {
  return typeof node['description'] === 'string' ? { info: node['description'] } : {};
}

function asNode(value: unknown): Node | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : undefined;
}
