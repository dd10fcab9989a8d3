/** Names as the DNS can write them, and their case. */

/** ASCII only, as the DNS has it (RFC 4343). */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Without the dot at its end; undefined for what cannot be a name (RFC 1123 §2.1, and underscores). */
export function hostName(text: string): string | undefined {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  const labels = name.split('.');
  const fits = name.length <= 253 && labels.every((label) => /^[\w-]{1,63}$/.test(label));
  return fits ? name : undefined;
}
