/** Times for people, in the time of the browser's place. */

/** @param ms since the Unix epoch */
export function shownTime(ms: number): string {
  const time = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

const units = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const;

/** @returns `in 3 d`, `2 h ago` */
export function untilText(ms: number, nowMs = Date.now()): string {
  const left = Math.abs(ms - nowMs);
  const { name, ms: unit } = units.find((each) => left >= each.ms) ?? units[3];
  const text = `${Math.floor(left / unit)} ${name}`;
  return ms > nowMs ? `in ${text}` : `${text} ago`;
}
