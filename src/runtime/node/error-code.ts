// Reads the code of a system error (ENOENT, EADDRINUSE, …).

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
