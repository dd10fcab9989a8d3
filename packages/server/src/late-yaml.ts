/** Loads the parser of YAML when the first text is read: a server that reads none does not pay for it. */

import type { Parsed } from './config-content/parse/parsed.ts';

/** @param text at most some 100 kB: time and memory grow faster than the text for some texts */
export async function parseYaml(text: string): Promise<Parsed> {
  const yaml = await import('./config-content/parse/yaml.ts');
  return yaml.parseYaml(text);
}
