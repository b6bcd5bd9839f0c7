// A vendor call as it arrives at the vault and as it goes back. Raw on purpose: the vault parses strictly itself.

export interface ProxyRequest {
  readonly method: string;
  /** Path and query exactly as sent, undecoded. */
  readonly target: string;
  /** Flat name, value, name, value list as sent (duplicates kept), like node's rawHeaders. */
  readonly rawHeaders: readonly string[];
  /** Whole body; already limited by the server to bodyBytesMax. */
  readonly body: Uint8Array;
}

export interface ProxyReply {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
}

export interface VaultProxy {
  /** Never throws: every failure is a vendor-shaped reply. Runs to settlement even when the caller has gone. */
  handle(request: ProxyRequest): Promise<ProxyReply>;
  /** Whether a path belongs to the vault's proxy (`/stripe/…`, root `/v1/…` but not `/v1/keys`). */
  owns(path: string): boolean;
}
