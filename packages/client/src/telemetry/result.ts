/** Maps an answer to the attribute `rollcall.result`. Imports no SDK or API: exchanges need it without them, too. */

export function resultOf(status: number): 'ok' | '4xx' | '5xx' {
  if (status < 400) return 'ok';
  return status < 500 ? '4xx' : '5xx';
}
