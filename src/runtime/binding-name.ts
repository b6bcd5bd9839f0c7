// The one rule for names of bindings: they become file names and parts of keys, so nothing else is let through.

import { cutText } from '../model/cut-text.ts';
import { AppError } from '../model/error.ts';

const BINDING = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** Throws AppError invalid_request. */
export function checkBinding(name: string): string {
  if (BINDING.test(name)) return name;
  throw new AppError(
    'invalid_request',
    `"${cutText(name, 80)}" cannot be the name of a binding: a letter or "_", then up to 63 letters, digits, "_" and "-".`,
  );
}
