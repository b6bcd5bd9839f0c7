// What a failed request reads like to the one who asked for it: which host, what happened. Must name no address that a
// host name led to, and no header.

export interface Waits {
  readonly connectTimeoutMs: number;
  readonly silenceMs: number;
}

export function failureText(error: unknown, url: URL, waits: Waits): string {
  switch (error instanceof Error ? codeOf(error) : '') {
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `no connection to ${url.host} within ${waits.connectTimeoutMs} ms`;
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return `no answer from ${url.host} within ${waits.silenceMs} ms`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host name ${url.hostname} could not be resolved`;
    case 'ECONNREFUSED':
      return `connection refused by ${url.host}`;
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
      return `the connection to ${url.host} was closed before an answer`;
    default:
      return `the request to ${url.host} failed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}
