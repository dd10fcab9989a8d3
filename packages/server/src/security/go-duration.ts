/** Durations in the settings of auth methods: texts in Go's format (`time.ParseDuration`), or nanoseconds. */

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** Milliseconds of a text such as `1h30m`, or of a number of nanoseconds; undefined if the value is invalid. */
export function readDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return value / 1e6;
  const match = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(value);
  if (match === null) return value === '0' ? 0 : undefined;
  let ms = 0;
  for (const [, amount, unit] of (match[2] ?? '').matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    ms += Number(amount) * (units[unit ?? ''] ?? 0);
  }
  return match[1] === '-' ? -ms : ms;
}
