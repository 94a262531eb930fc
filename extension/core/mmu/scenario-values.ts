import { isObject, type Json } from './scenario-json';
import type { Schema } from './scenario-schema';
import type { Gfn } from './sept';

/** A kind of value in a scenario file: how it is written, and what is read from it. */
export interface Kind<Value> {
  readonly schema: Schema;
  readonly optional: boolean;
  /** Of a value that is as the schema says; of an optional one that is absent too. */
  read(value: Json | undefined): Value;
}

/** Members of an object by name, each of its kind. */
export type Spec = Readonly<Record<string, Kind<unknown>>>;
/** What is read from an object with these members. */
export type ReadAs<Members extends Spec> = {
  readonly [Name in keyof Members]: Members[Name] extends Kind<infer Value> ? Value : never;
};

/** Numbers of more bits are not safe in JSON, and no guest physical address has more. */
const HIGHEST_GFN = 2 ** 52 - 1;

function kind<Value>(schema: Schema, read: (value: Json) => Value): Kind<Value> {
  return { schema, optional: false, read: (value) => read(value ?? null) };
}

/** A member that may be left out. */
export function optional<Value>(of: Kind<Value>): Kind<Value | undefined> {
  return { schema: of.schema, optional: true, read: (value) => (value === undefined ? undefined : of.read(value)) };
}

/** The same kind of value, said to be what it is for. */
export function described<Value>(of: Kind<Value>, description: string): Kind<Value> {
  return { ...of, schema: { ...of.schema, description } };
}

/** A guest frame number: guest physical address >> 12. */
export const GFN: Kind<Gfn> = kind(
  {
    description: 'a gfn: a whole number, or text such as "0xfee00", below 2^52',
    anyOf: [
      { type: 'integer', minimum: 0, maximum: HIGHEST_GFN },
      { type: 'string', pattern: '^0x[0-9a-fA-F]{1,13}$' },
    ],
  },
  gfnOf,
);

/** The end of a range of gfns, one past the last: it may be 2^52. */
export const END: Kind<Gfn> = kind(
  {
    description: 'the end of a range of gfns: a whole number, or text such as "0xfee01", at most 2^52',
    anyOf: [
      { type: 'integer', minimum: 0, maximum: HIGHEST_GFN + 1 },
      { type: 'string', pattern: '^0x(?:[0-9a-fA-F]{1,13}|10{13})$' },
    ],
  },
  gfnOf,
);

/** How many 4K pages, at least one. */
export const PAGES: Kind<bigint> = kind(
  {
    description: 'a number of pages: a whole number, or text such as "0x1000", from 1 to 2^52',
    anyOf: [
      { type: 'integer', minimum: 1, maximum: HIGHEST_GFN + 1 },
      { type: 'string', pattern: '^0x(?:0*[1-9a-fA-F][0-9a-fA-F]{0,12}|10{13})$' },
    ],
  },
  gfnOf,
);

export const FLAG: Kind<boolean> = kind({ type: 'boolean' }, (value) => value === true);

export function integer(minimum: number, maximum: number): Kind<number> {
  return kind(
    { type: 'integer', minimum, maximum, description: `a whole number from ${minimum} to ${maximum}` },
    Number,
  );
}

/** Printable ASCII, 1 to `longest` characters. */
export function text(longest: number): Kind<string> {
  const pattern = `^[\\x20-\\x7e]{1,${longest}}$`;
  return kind({ type: 'string', pattern, description: `text of 1 to ${longest} printable ASCII characters` }, String);
}

export function oneOf<Word extends string>(words: readonly Word[]): Kind<Word> {
  return kind({ type: 'string', enum: words }, (value) => value as Word);
}

export function list<Value>(of: Kind<Value>, longest: number, shortest = 0): Kind<readonly Value[]> {
  const schema: Schema = { type: 'array', items: of.schema, minItems: shortest, maxItems: longest };
  return kind(schema, (value) => (Array.isArray(value) ? value.map((item: Json) => of.read(item)) : []));
}

/** One value, or a list of such. */
export function oneOrMore<Value>(of: Kind<Value>, longest: number): Kind<readonly Value[]> {
  const many = list(of, longest, 1);
  return kind({ anyOf: [of.schema, many.schema] }, (value) =>
    Array.isArray(value) ? many.read(value) : [of.read(value)],
  );
}

/** A value of the one kind or of the other; they differ in type. */
export function either<One, Other>(
  one: Kind<One>,
  other: Kind<Other>,
  isOne: (value: Json) => boolean,
): Kind<One | Other> {
  const choices = [one, other].flatMap(({ schema }): readonly Schema[] => schema.anyOf ?? [schema]);
  return kind({ anyOf: choices }, (value) => (isOne(value) ? one.read(value) : other.read(value)));
}

/** Members of any name that `names` takes, each of kind `of`. */
export function record<Value>(of: Kind<Value>, most: number): Kind<Readonly<Record<string, Value>>> {
  const schema: Schema = { type: 'object', additionalProperties: of.schema, maxProperties: most };
  return kind(schema, (value) =>
    Object.fromEntries(isObject(value) ? [...value].map(([name, each]) => [name, of.read(each)]) : []),
  );
}

/** An object with these members and no others. */
export function object<Members extends Spec>(members: Members): Kind<ReadAs<Members>> {
  return kind(objectSchema(members), (value) => readMembers(members, value));
}

export function objectSchema(members: Spec): Schema {
  const all = Object.entries(members);
  return {
    type: 'object',
    properties: Object.fromEntries(all.map(([name, { schema }]) => [name, schema])),
    required: all.filter(([, each]) => !each.optional).map(([name]) => name),
    additionalProperties: false,
  };
}

export function readMembers<Members extends Spec>(members: Members, value: Json): ReadAs<Members> {
  const given = isObject(value) ? value : new Map<string, Json>();
  return Object.fromEntries(
    Object.entries(members).map(([name, each]) => [name, each.read(given.get(name))]),
  ) as ReadAs<Members>;
}

function gfnOf(value: Json): bigint {
  return typeof value === 'number' || typeof value === 'string' ? BigInt(value) : 0n;
}
