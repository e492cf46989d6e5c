/**
 * Checks of what arrives as JSON against a type. The compiler holds a shape to its type: an object's shape names every field,
 * and says of which it is optional. Fields that a type does not have are ignored, as the protocol wants it.
 */

export interface Shape<T> {
  /** Throws an Error that names the place, shows what is there, and says what it must be. */
  check(value: unknown, place: string): asserts value is T;
  /** Never there: it makes shapes of different types different types. */
  readonly type?: T;
}

interface Optional<T> {
  readonly optional: Shape<T>;
}

type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? Optional<Exclude<T[K], undefined>> : Shape<T[K]>;
};

/** Characters of a wrong value that are shown. */
const SHOWN = 60;

function wrong(place: string, value: unknown, wanted: string): never {
  const text = value === undefined ? 'missing' : (JSON.stringify(value) ?? typeof value);
  const shown = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
  throw new Error(`"${place}" is ${shown}; it must be ${wanted}.`);
}

const basic = <T>(wanted: string, fits: (value: unknown) => boolean): Shape<T> => ({
  check(value, place) {
    if (!fits(value)) wrong(place, value, wanted);
  },
});

export const text: Shape<string> = basic('a string', (value) => typeof value === 'string');
export const flag: Shape<boolean> = basic('true or false', (value) => typeof value === 'boolean');
/** The protocol's numbers are all whole. */
export const whole: Shape<number> = basic('a whole number', (value) => Number.isSafeInteger(value));
/** What this debugger does not look at. */
export const anything: Shape<unknown> = { check: () => undefined };

export function oneOf<const T extends string>(...known: readonly T[]): Shape<T> {
  return basic(`one of ${known.map((one) => `"${one}"`).join(', ')}`, (value) => known.some((one) => one === value));
}

export function listOf<T>(shape: Shape<T>): Shape<T[]> {
  return {
    check(value, place) {
      if (!Array.isArray(value)) wrong(place, value, 'a list');
      value.forEach((one, index) => shape.check(one, `${place}[${index}]`));
    },
  };
}

/** Clients of several languages write null for what is left out: such a field is removed. */
export const optional = <T>(shape: Shape<T>): Optional<T> => ({ optional: shape });

/** Where the place is empty, the value is all that was sent, and the places of its fields are their names alone. */
export function object<T extends object>(fields: Fields<T>): Shape<T> {
  const all = Object.entries<Shape<unknown> | Optional<unknown>>(fields);
  return {
    check(value, place) {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        wrong(place || 'arguments', value, 'an object');
      const given = value as Record<string, unknown>;
      for (const [name, field] of all) {
        const isOptional = 'optional' in field;
        if (isOptional && given[name] === null) delete given[name];
        if (isOptional && given[name] === undefined) continue;
        const shape: Shape<unknown> = isOptional ? field.optional : field;
        shape.check(given[name], place === '' ? name : `${place}.${name}`);
      }
    },
  };
}
