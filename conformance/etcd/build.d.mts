/** Types of build.mjs, which is plain JavaScript since `npm test` runs it before anything is built. */

/** Programs by name, or what is missing to build them. */
export type Built =
  | { readonly programs: Readonly<Record<string, string>>; readonly problem?: undefined }
  | { readonly programs?: undefined; readonly problem: string };

export function buildEtcd(name?: 'server' | 'benchmark'): Built;
