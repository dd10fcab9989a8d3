/**
 * The fields of the filtered values that a filter may select, with their types. The type decides the operators
 * of a field, as in go-bexpr 0.1.2 (`field_config.go`).
 *
 * | type | operators |
 * |---|---|
 * | text | `==` `!=` `in` `not in` `contains` `matches` and their negations |
 * | boolean, number | `==` `!=` |
 * | list of any of these | `in` `contains` `is empty` and their negations |
 * | list of structs | `is empty` and its negation; its fields, of which any element may satisfy |
 * | map | `in` and `contains` (of keys), `is empty` and their negations; its entries |
 * | struct | none; its fields |
 */

export type Shape =
  | { readonly kind: 'text' | 'boolean' | 'float' }
  | { readonly kind: 'integer'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'map'; readonly of: Shape }
  | StructShape;

export interface StructShape {
  readonly kind: 'struct';
  readonly fields: Readonly<Record<string, Field>>;
}

export interface Field {
  readonly shape: Shape;
  /** Gets the field's value from the struct that has it; by its name when absent. */
  readonly read?: (owner: unknown) => unknown;
}

export const text: Shape = { kind: 'text' };
export const boolean: Shape = { kind: 'boolean' };
export const float: Shape = { kind: 'float' };
/** Go's `int`. */
export const integer: Shape = { kind: 'integer', bits: 64, signed: true };
export const unsigned: Shape = { kind: 'integer', bits: 64, signed: false };

export function list(of: Shape): Shape {
  return { kind: 'list', of };
}

export function map(of: Shape): Shape {
  return { kind: 'map', of };
}

/**
 * @param fields by the names that expressions use. A shape alone reads the property of that name; a pair
 *   gives the function that reads it: `{ ServiceName: [text, (row) => (row as InstanceRow).service] }`
 */
export function struct(
  fields: Readonly<Record<string, Shape | readonly [shape: Shape, read: (owner: unknown) => unknown]>>,
): StructShape {
  const entries = Object.entries(fields).map(([name, field]): [string, Field] =>
    'kind' in field ? [name, { shape: field }] : [name, { shape: field[0], read: field[1] }],
  );
  return { kind: 'struct', fields: Object.fromEntries(entries) };
}

export type Operator =
  | 'Equal'
  | 'Not Equal'
  | 'In'
  | 'Not In'
  | 'Is Empty'
  | 'Is Not Empty'
  | 'Matches'
  | 'Not Matches';

export function operatorsOf(shape: Shape): readonly Operator[] {
  switch (shape.kind) {
    case 'text':
      return ['Equal', 'Not Equal', 'In', 'Not In', 'Matches', 'Not Matches'];
    case 'boolean':
    case 'float':
    case 'integer':
      return ['Equal', 'Not Equal'];
    case 'list':
      return isPrimitive(shape.of) ? ['In', 'Not In', 'Is Empty', 'Is Not Empty'] : ['Is Empty', 'Is Not Empty'];
    case 'map':
      return ['In', 'Not In', 'Is Empty', 'Is Not Empty'];
    case 'struct':
      return [];
  }
}

export function isPrimitive(shape: Shape): boolean {
  return shape.kind !== 'list' && shape.kind !== 'map' && shape.kind !== 'struct';
}
