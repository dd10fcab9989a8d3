/** A time for people, in UTC as ISO 8601 writes it. Pure: the state machine has no clock, not even one that only formats. */

/**
 * Days to a date in the proleptic Gregorian calendar, by eras of 400 years (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * `civil_from_days`).
 * @param ms since the Unix epoch, 0 or more
 * @returns `2030-01-31T08:00:00Z`; parts of a second are left out
 */
export function utcTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const days = Math.floor(seconds / 86_400) + 719_468;
  const era = Math.floor(days / 146_097);
  const ofEra = days - era * 146_097;
  const yearOfEra = Math.floor((ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365);
  // From 1 March, so that a leap day is the last of its year.
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const ofDay = seconds % 86_400;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(ofDay / 3_600)}:${two((ofDay / 60) % 60)}:${two(ofDay % 60)}Z`;
}
