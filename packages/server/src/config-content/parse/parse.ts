/** Parses a content by its format. The values are plain data as JSON has it; every key of an object is its own, `__proto__` included. */

import { parseProperties, type ConfigFormat } from '@rollcall/protocol';
import { parseFlags } from './flags.ts';
import { parseJson } from './json.ts';
import type { Parsed } from './parsed.ts';
import { parseToml } from './toml.ts';
import { parseYaml } from './yaml.ts';

export function parseContent(content: string, format: ConfigFormat): Parsed {
  // Editors on Windows write a byte order mark.
  const text = content.startsWith('\ufeff') ? content.slice(1) : content;
  switch (format) {
    case 'json':
      return parseJson(text);
    case 'yaml':
      return parseYaml(text);
    case 'toml':
      return parseToml(text);
    case 'properties':
      return properties(text);
    case 'flags':
      return parseFlags(text);
    case 'text':
      return { ok: true, value: text };
  }
}

function properties(text: string): Parsed {
  const parsed = parseProperties(text);
  if (parsed.ok) return { ok: true, value: Object.fromEntries(parsed.entries) };
  const { line, message } = parsed;
  return { ok: false, fault: { kind: message.includes('already') ? 'duplicate' : 'syntax', message, line } };
}
