import type { Define } from './masked';

/**
 * The kernel's scope-based cleanup (`include/linux/cleanup.h`): what its defining macros make, reduced to the functions
 * whose bodies run when a scope is entered and left. KVM's own classes (`DEFINE_GUARD(vmx_vmcs01, ...)`) become
 * functions of the file that defines them, under the names that the compiler gives them.
 */
export const GUARD_CLASS_MACROS: ReadonlyMap<string, Define> = new Map(
  [
    define(
      'DEFINE_FREE',
      'name, type, free',
      'static inline void __free_##name(void *p) { type _T = *(type *)p; free; }',
    ),
    define(
      'DEFINE_CLASS',
      'name, type, exit, init, args...',
      'static inline void class_##name##_destructor(type *p) { type _T = *p; exit; }',
      'static inline type class_##name##_constructor(args) { type t = init; return t; }',
    ),
    define(
      'EXTEND_CLASS',
      'name, ext, init, args...',
      'static inline void class_##name##ext##_destructor(class_##name##_t *p) { class_##name##_destructor(p); }',
      'static inline class_##name##_t class_##name##ext##_constructor(args) { class_##name##_t t = init; return t; }',
    ),
    define(
      'EXTEND_CLASS_COND',
      'name, ext, cond, init, args...',
      'static inline void class_##name##ext##_destructor(class_##name##_t *_T) { if (!(cond)) class_##name##_destructor(_T); }',
      'static inline class_##name##_t class_##name##ext##_constructor(args) { class_##name##_t t = init; return t; }',
    ),
    define(
      'DEFINE_GUARD',
      'name, type, enter, leave',
      'static inline void class_##name##_destructor(type *p) { type _T = *p; if (_T) { leave; } }',
      'static inline type class_##name##_constructor(type _T) { enter; return _T; }',
    ),
    define(
      'DEFINE_GUARD_COND',
      'name, ext, condlock, args...',
      'static inline void class_##name##ext##_destructor(class_##name##_t *p) { class_##name##_destructor(p); }',
      'static inline class_##name##_t class_##name##ext##_constructor(class_##name##_t _T)',
      '{ if (condlock) return _T; return 0; }',
    ),
    define(
      'DEFINE_LOCK_GUARD_1_COND',
      'name, ext, condlock',
      'static inline void class_##name##ext##_destructor(class_##name##_t *p) { class_##name##_destructor(p); }',
      'static inline class_##name##_t class_##name##ext##_constructor(void *l)',
      '{ class_##name##_t _t = { .lock = l }, *_T = &_t; if (!(condlock)) _T->lock = 0; return _t; }',
    ),
    lockGuard('DEFINE_LOCK_GUARD_1', 'name, type, enter, leave, members...', 'type *l', '.lock = l'),
    lockGuard('DEFINE_LOCK_GUARD_0', 'name, enter, leave, members...', 'void', '.lock = (void *)1'),
  ].map((one) => [one.name, one]),
);

/**
 * The functions that run where a class is used: `guard(x)` and `CLASS(x, v)` enter and leave, `__free(x)` only leaves, and
 * `__cleanup(f)` names its function.
 */
export function classFunctions(
  kind: 'guard' | 'cleanup',
  name: string,
  exists: (name: string) => boolean,
): readonly string[] {
  if (kind === 'guard') return [`class_${name}_constructor`, `class_${name}_destructor`];
  return exists(`__free_${name}`) ? [`__free_${name}`] : [name];
}

function lockGuard(name: string, params: string, taken: string, members: string): Define {
  return define(
    name,
    params,
    'static inline void class_##name##_destructor(class_##name##_t *_T) { if (_T->lock) { leave; } }',
    `static inline class_##name##_t class_##name##_constructor(${taken})`,
    `{ class_##name##_t _t = { ${members} }, *_T = &_t; enter; return _t; }`,
  );
}

function define(name: string, params: string, ...lines: readonly string[]): Define {
  return { name, nameStart: 0, params: params.split(', '), body: lines.join('\n'), bodyStart: 0 };
}
