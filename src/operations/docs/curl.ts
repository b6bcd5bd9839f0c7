// Shell commands for examples. Must quote whatever a document says, so that a copied example runs nothing else.

export interface CurlCall {
  readonly method: string;
  /** From the root; `{id}` becomes `ID`, since curl would read braces as its own. */
  readonly path: string;
  readonly body?: string;
}

export function curlCommand({ method, path, body }: CurlCall): string {
  const address = path.replaceAll(/\{([\w-]+)\}/g, (_, name: string) =>
    name
      .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
      .replaceAll('-', '_')
      .toUpperCase(),
  );
  const lines = [
    `curl${method === 'GET' ? '' : ` -X ${word(method)}`} "$CONDUCTOR_API_URL"${word(address)}`,
    '-H "X-API-Key: $CONDUCTOR_API_KEY"',
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'", `-d ${quoted(body)}`]),
  ];
  return lines.join(' \\\n  ');
}

const word = (text: string) => (/^[\w/.:@%+=,-]*$/.test(text) ? text : quoted(text));
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
