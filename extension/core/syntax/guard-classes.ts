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
      'DEFINE_GUARD',
      'name, type, lock, unlock',
      'static inline void class_##name##_destructor(type *p) { type _T = *p; if (_T) { unlock; } }',
      'static inline type class_##name##_constructor(type _T) { lock; return _T; }',
    ),
    define(
      'DEFINE_GUARD_COND',
      'name, ext, condlock, args...',
      'static inline void class_##name##ext##_destructor(class_##name##_t *p) { class_##name##_destructor(p); }',
      'static inline class_##name##_t class_##name##ext##_constructor(class_##name##_t _T)',
      '{ if (condlock) return _T; return 0; }',
    ),
    lockGuard('DEFINE_LOCK_GUARD_1', 'name, type, lock, unlock, members...', 'type *l', '.lock = l'),
    lockGuard('DEFINE_LOCK_GUARD_0', 'name, lock, unlock, members...', 'void', '.lock = (void *)1'),
  ].map((one) => [one.name, one]),
);

/** The functions that run where a class is used: `guard(x)` and `CLASS(x, v)` enter and leave, `__free(x)` only leaves. */
export function classFunctions(kind: 'guard' | 'cleanup', name: string): readonly string[] {
  return kind === 'cleanup' ? [`__free_${name}`, name] : [`class_${name}_constructor`, `class_${name}_destructor`];
}

function lockGuard(name: string, params: string, taken: string, members: string): Define {
  return define(
    name,
    params,
    'static inline void class_##name##_destructor(class_##name##_t *_T) { if (_T->lock) { unlock; } }',
    `static inline class_##name##_t class_##name##_constructor(${taken})`,
    `{ class_##name##_t _t = { ${members} }, *_T = &_t; lock; return _t; }`,
  );
}

function define(name: string, params: string, ...lines: readonly string[]): Define {
  return { name, nameStart: 0, params: params.split(', '), body: lines.join('\n'), bodyStart: 0 };
}
