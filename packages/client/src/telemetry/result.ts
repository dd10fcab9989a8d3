/** What an answer is in the attribute `rollcall.result`. It loads nothing: exchanges need it without an SDK, too. */

export function resultOf(status: number): 'ok' | '4xx' | '5xx' {
  if (status < 400) return 'ok';
  return status < 500 ? '4xx' : '5xx';
}
