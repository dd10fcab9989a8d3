/** Types of built-once.mjs, which is plain JavaScript since commands run it without a build. */

/** Programs by name, or what is missing to build them. */
export type Built =
  | { readonly programs: Readonly<Record<string, string>>; readonly problem?: undefined }
  | { readonly programs?: undefined; readonly problem: string };
