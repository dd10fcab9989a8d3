/** What may be wrong with the template of a prepared query, as data: each protocol has its own words for it. */

/** Why a template cannot be compiled. */
export type TemplateFault =
  | { readonly what: 'pattern'; readonly reason: string }
  | {
      /** `path` says which text of the service it is, as `service.tags[1]`; columns begin at 1. */
      readonly what: 'text';
      readonly path: string;
      readonly text: string;
      readonly column: number;
      readonly reason: TextFault;
    };

export type TextFault =
  /** `found` is undefined at the end of the text. */
  | { readonly kind: 'expected'; readonly expected: 'expression' | ')' | '}'; readonly found: string | undefined }
  | { readonly kind: 'unknown-variable' | 'unknown-function'; readonly name: string }
  /** `match` has one argument. */
  | { readonly kind: 'arguments'; readonly count: number }
  /** The argument of `match` is a number. */
  | { readonly kind: 'no-number'; readonly argument: string };

/** In the words of Rollcall. */
export function describe(fault: TemplateFault): string {
  if (fault.what === 'pattern') return `the pattern of the template cannot be read: ${fault.reason}`;
  const { path, text, column, reason } = fault;
  return `${path} of the template, ${JSON.stringify(text.slice(0, 80))}, has at column ${column}: ${describeText(reason)}`;
}

function describeText(reason: TextFault): string {
  switch (reason.kind) {
    case 'expected':
      return `${reason.found === undefined ? 'the end' : JSON.stringify(reason.found)} where ${reason.expected} must be`;
    case 'unknown-variable':
      return `the unknown variable ${reason.name}`;
    case 'unknown-function':
      return `the unknown function ${reason.name}`;
    case 'arguments':
      return `match with ${reason.count} arguments, it takes 1`;
    case 'no-number':
      return `match(${reason.argument.slice(0, 80)}), its argument must be a number`;
  }
}
