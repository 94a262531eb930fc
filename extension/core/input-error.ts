/**
 * A fault of the input that a user can mend: no tree, no such sink, a patch that does not apply. The message is one
 * line that says what, where and what to do. The command exits with 2; every other exception is a defect (3).
 */
export class InputError extends Error {
  override readonly name = 'InputError';
}
