// Which host names mean "this machine only".

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i;

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.test(host);
}

/** The host part of a Host header: "[::1]:8080" -> "[::1]". */
export function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, '');
}
