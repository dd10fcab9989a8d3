/** Compares the closed list of error codes with the table that explains them, both ways, and its statuses. */

const row = /^\| `([a-z_]+)` \|(.*)\|$/gm;

/** Differences between the codes and the catalogue's rows, one line each. */
export function checkCatalogue(codes: readonly string[], catalogue: string): string[] {
  const rows = [...catalogue.matchAll(row)].map(([, code = '', cells = '']) => ({ code, cells: cells.split('|') }));
  const documented = rows.map(({ code }) => code);
  return [
    ...codes.filter((code) => !documented.includes(code)).map((code) => `${code} is not explained`),
    ...documented.filter((code) => !codes.includes(code)).map((code) => `${code} is explained, but does not exist`),
    ...documented.filter((code, at) => documented.indexOf(code) !== at).map((code) => `${code} is explained twice`),
    ...rows
      .filter(({ cells }) => cells.length !== 6 || cells.some((cell) => cell.trim() === ''))
      .map(({ code }) => `${code} lacks a meaning, an advice, or a status`),
  ];
}

/** Rows whose status in a column (counted from the code, which is 0) is another than the code's. */
export function checkStatuses(statusOf: (code: string) => number, column: number, catalogue: string): string[] {
  return [...catalogue.matchAll(row)].flatMap(([, code = '', cells = '']) => {
    const told = Number.parseInt(cells.split('|')[column - 1] ?? '', 10);
    return told === statusOf(code) ? [] : [`${code} is said to be ${told}, but is ${statusOf(code)}`];
  });
}
