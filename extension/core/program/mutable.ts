/** An object that is still being made: what it lacks is added before anyone else sees it. */
export type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
