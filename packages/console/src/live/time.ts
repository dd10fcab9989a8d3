/** Times as operators type and read them. Pure. */

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const dayMs = 86_400_000;

/**
 * Reads `90s`, `10m`, `2h`, `1d` (ago), `14:02`, `14:02:10` (the last time that it was), or a date with or without a time of day.
 * @returns milliseconds since the Unix epoch; undefined when it is none of these
 */
export function parseTime(text: string, nowMs: number): number | undefined {
  const typed = text.trim().replace(/\s+ago$/, '');
  const ago = /^-?(\d+(?:\.\d+)?)\s*([smhd])$/.exec(typed);
  if (ago !== null) return nowMs - Number(ago[1]) * (units[ago[2] ?? ''] ?? 0);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(typed);
  if (clock !== null) {
    const [hours, minutes, seconds] = [clock[1], clock[2], clock[3] ?? '0'].map(Number);
    if ((hours ?? 24) > 23 || (minutes ?? 60) > 59 || (seconds ?? 60) > 59) return undefined;
    const today = new Date(nowMs).setHours(hours ?? 0, minutes, seconds, 0);
    return today > nowMs ? today - dayMs : today;
  }
  if (!/^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(typed)) return undefined;
  // Without a time of day, JavaScript would read a date as UTC.
  const time = new Date(typed.length === 10 ? `${typed}T00:00:00` : typed.replace(' ', 'T')).getTime();
  return Number.isNaN(time) ? undefined : time;
}

/** `14:02:10`, with the date unless it is today's. */
export function clockOf(atMs: number, nowMs: number): string {
  const at = new Date(atMs);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':');
  if (at.toDateString() === new Date(nowMs).toDateString()) return time;
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())} ${time}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** `12 minutes`; whole units, the largest that fits. */
export function spanOf(ms: number): string {
  const [name, size] = ms < 2 * 60_000 ? ['second', 1_000] : ms < 2 * 3_600_000 ? ['minute', 60_000] : ms < 2 * dayMs ? ['hour', 3_600_000] : ['day', dayMs];
  const count = Math.max(0, Math.round(ms / size));
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
