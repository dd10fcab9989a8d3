/** A front end with a route without declared access is not created. */

import { expect, it } from 'vitest';
import { assertAccessDeclared } from './access.ts';

it('names every route that declares no access', () => {
  const declared = { name: 'GET /v1/status/leader', access: { kind: 'open', why: 'says which server this is' } } as const;
  expect(() => assertAccessDeclared('consul', [declared])).not.toThrow();
  expect(() => assertAccessDeclared('consul', [declared, { name: 'PUT /v1/a' }, { name: 'GET /v1/b' }])).toThrow(
    expect.objectContaining({
      code: 'failed_precondition',
      message: 'front end consul: no access is declared for PUT /v1/a, GET /v1/b; declare the permission that each needs, or why it needs none',
    }) as Error,
  );
});
