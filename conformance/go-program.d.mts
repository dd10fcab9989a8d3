/** Types of go-program.mjs, which is plain JavaScript since commands run it without a build. */

/** Programs by name, or what is missing to build them. */
export type Built =
  | { readonly programs: Readonly<Record<string, string>>; readonly problem?: undefined }
  | { readonly programs?: undefined; readonly problem: string };

export function buildGo(source: string, name: string, packages: Readonly<Record<string, string>>): Built;
