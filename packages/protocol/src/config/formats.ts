/**
 * The formats of a configuration's content, and what follows from each. It parses nothing: the server checks content before it is
 * published, and `properties.ts` reads the one format whose layers are merged key by key.
 */

/** The formats, in the order in which a choice lists them. `text` is everything that is not parsed. */
export const configFormats = ['properties', 'json', 'yaml', 'toml', 'text', 'flags'] as const;

export type ConfigFormat = (typeof configFormats)[number];

export function isConfigFormat(value: unknown): value is ConfigFormat {
  return typeof value === 'string' && (configFormats as readonly string[]).includes(value);
}

/**
 * The format that a name's ending says, in any case: `application.yml` is yaml, `features.flags.json` is flags.
 * @returns undefined for any other name
 */
export function formatOfName(name: string): ConfigFormat | undefined {
  const lower = name.toLowerCase();
  if (lower.endsWith('.flags.json')) return 'flags';
  const dot = lower.lastIndexOf('.');
  return dot < 0 ? undefined : byEnding.get(lower.slice(dot + 1));
}

const byEnding: ReadonlyMap<string, ConfigFormat> = new Map([
  ['properties', 'properties'],
  ['json', 'json'],
  ['yaml', 'yaml'],
  ['yml', 'yaml'],
  ['toml', 'toml'],
  ['txt', 'text'],
  ['flags', 'flags'],
]);

/** Media type in HTTP answers. */
export function mediaTypeOf(format: ConfigFormat): string {
  return mediaTypes[format];
}

const mediaTypes: Readonly<Record<ConfigFormat, string>> = {
  properties: 'text/plain; charset=utf-8',
  json: 'application/json',
  yaml: 'application/yaml',
  toml: 'application/toml',
  text: 'text/plain; charset=utf-8',
  flags: 'application/json',
};
