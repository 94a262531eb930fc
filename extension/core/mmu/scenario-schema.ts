import { InputError } from '../input-error';
import { isObject, type Json, memberPath, shown } from './scenario-json';

/** The part of JSON Schema (2020-12) that scenario files are described in, and that `checkJson()` follows. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  /** In messages too: `$.vcpus: 99 is no ...`. */
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false | Schema;
  readonly maxProperties?: number;
  /** The value is as one of these says, each of a type of its own. */
  readonly anyOf?: readonly Schema[];
  /** Objects that a member of one name tells apart, by its `const`. */
  readonly oneOf?: readonly Schema[];
}

/** @throws InputError that says where a value is not as its schema says: `$.actions[2].gfn: ...`. */
export function checkJson(schema: Schema, value: Json, path = '$'): void {
  if (schema.anyOf !== undefined) {
    const one = schema.anyOf.find((each) => isOfType(each, value));
    if (one === undefined) throw misfit(schema, value, path);
    checkJson(
      { ...(schema.description === undefined ? {} : { description: schema.description }), ...one },
      value,
      path,
    );
    return;
  }
  if (schema.oneOf !== undefined) {
    checkJson(toldApart(schema.oneOf, value, path), value, path);
    return;
  }
  if (!isOfType(schema, value)) throw misfit(schema, value, path);
  if (isObject(value)) checkObject(schema, value, path);
  else if (Array.isArray(value)) checkList(schema, value, path);
  else checkScalar(schema, value, path);
}

function isOfType({ type }: Schema, value: Json): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case undefined:
      return true;
    default:
      return typeof value === type;
  }
}

function checkScalar(schema: Schema, value: Json, path: string): void {
  const { pattern, minimum, maximum } = schema;
  const allowed = schema.const === undefined ? schema.enum : [schema.const];
  if (allowed !== undefined && !allowed.some((one) => one === value))
    throw new InputError(`${path}: there is no ${shown(value)}; there are ${allowed.join(', ')}`);
  const fits =
    (typeof value !== 'string' || pattern === undefined || new RegExp(pattern, 'u').test(value)) &&
    (typeof value !== 'number' || ((minimum ?? value) <= value && value <= (maximum ?? value)));
  if (!fits) throw misfit(schema, value, path);
}

function checkList({ items, minItems, maxItems }: Schema, value: readonly Json[], path: string): void {
  if (minItems !== undefined && value.length < minItems) throw new InputError(`${path}: the list is too short`);
  if (maxItems !== undefined && value.length > maxItems)
    throw new InputError(`${path}: ${value.length} items, at most ${maxItems} are taken`);
  if (items !== undefined)
    value.forEach((item, index) => {
      checkJson(items, item, `${path}[${index}]`);
    });
}

function checkObject(schema: Schema, value: ReadonlyMap<string, Json>, path: string): void {
  const { properties = {}, required = [], additionalProperties, maxProperties } = schema;
  for (const [name, member] of value) {
    const known = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (known === false) throw unknownMember(path, name, Object.keys(properties));
    if (known !== undefined) checkJson(known, member, memberPath(path, name));
  }
  const missing = required.find((name) => !value.has(name));
  if (missing !== undefined) throw new InputError(`${memberPath(path, missing)}: missing`);
  if (maxProperties !== undefined && value.size > maxProperties)
    throw new InputError(`${path}: ${value.size} members, at most ${maxProperties} are taken`);
}

function unknownMember(path: string, name: string, names: readonly string[]): InputError {
  return new InputError(`${memberPath(path, name)}: there is no such member; there are ${names.join(', ')}`);
}

/** The one of `choices` whose `const` member says what `value` says. */
function toldApart(choices: readonly Schema[], value: Json, path: string): Schema {
  if (!isObject(value)) throw new InputError(`${path}: ${shown(value)} is no object`);
  const tag = Object.entries(choices[0]?.properties ?? {}).find(([, { const: only }]) => only !== undefined)?.[0] ?? '';
  const names = choices.map(({ properties }) => properties?.[tag]?.const ?? '');
  const name = value.get(tag);
  if (name === undefined) throw new InputError(`${memberPath(path, tag)}: missing; there are ${names.join(', ')}`);
  const choice = choices[names.findIndex((one) => one === name)];
  if (choice !== undefined) return choice;
  throw new InputError(`${memberPath(path, tag)}: there is no ${shown(name)}; there are ${names.join(', ')}`);
}

function misfit({ type, description }: Schema, value: Json, path: string): InputError {
  return new InputError(`${path}: ${shown(value)} is not ${description ?? `of type ${type ?? 'any'}`}`);
}
