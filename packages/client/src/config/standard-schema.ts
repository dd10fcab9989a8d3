/**
 * The interface by which validators of any library are called (https://standardschema.dev, version 1): zod, valibot, arktype and
 * others implement it. Types only.
 */

export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** @returns the issues as one line for people, the first few of them */
export function issuesText(issues: readonly SchemaIssue[]): string {
  const shown = issues.slice(0, shownMax).map(({ message, path = [] }) => {
    const at = path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.');
    return at === '' ? message : `${at}: ${message}`;
  });
  const more = issues.length > shownMax ? [`and ${issues.length - shownMax} more`] : [];
  return [...shown, ...more].join('; ');
}

const shownMax = 5;
