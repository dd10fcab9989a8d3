/** The checks themselves, as functions that may take any time; `thread.ts` calls them in its thread. */

import type { ConfigFormat } from '@rollcall/protocol';
import { configLimits } from '../registry/kind/config/commands.ts';
import { contentError, type ContentFault, type ContentQuestion } from './content.ts';
import { flatJson, flatten } from './flatten.ts';
import { parseContent } from './parse/parse.ts';
import { brokenRules } from './rules.ts';
import { readSchema } from './schema.ts';

/** Faults of one answer: enough to go on with, and bounded. */
const faultsMax = 20;

export function checkContent({ content, format, schema, rules = [] }: ContentQuestion): readonly ContentFault[] {
  const tooLarge = sizeFault(content);
  if (tooLarge !== undefined) return [tooLarge];
  const parsed = parseContent(content, format);
  if (!parsed.ok) return [parsed.fault];
  const faults = schema === undefined ? [] : schemaFaults(schema, parsed.value);
  return [...faults, ...(rules.length === 0 ? [] : brokenRules(rules, flatten(parsed.value)))].slice(0, faultsMax);
}

function schemaFaults(schema: string, value: unknown): readonly ContentFault[] {
  const read = readSchema(schema);
  return read.ok ? read.faults(value) : read.faults;
}

export function checkSchema(schema: string): readonly ContentFault[] {
  const read = readSchema(schema);
  return read.ok ? [] : read.faults;
}

/** @throws RegistryError like `ContentChecks.flatten` */
export function flattenContent(content: string, format: ConfigFormat): string {
  const parsed = parseContent(content, format);
  if (!parsed.ok) throw contentError([parsed.fault]);
  return flatJson(flatten(parsed.value));
}

/** Called before the content is sent to the thread, too: no copy of ten megabytes is made. */
export function sizeFault(content: string): ContentFault | undefined {
  const bytes = Buffer.byteLength(content);
  const { contentBytesMax } = configLimits;
  return bytes > contentBytesMax ? { kind: 'size', message: `it has ${bytes} bytes, the limit is ${contentBytesMax}; split it, or keep a link to it` } : undefined;
}

export function timeFault(limitMs: number): ContentFault {
  return { kind: 'time', message: `its check did not end within ${limitMs} ms; make the content or its schema simpler` };
}

