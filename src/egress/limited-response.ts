// The Response that a caller gets: a standard one, whose body ends in an error when it is too long, and that knows where
// it came from. Must never hold more of a body than the piece that is being handed on.

/** What a transport answers with: a Response of the platform, or of the library that opened the socket. */
export interface HopAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Iterable<[string, string]> & { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}

export interface Origin {
  readonly url: URL;
  readonly redirected: boolean;
}

const NULL_BODY_STATUSES = new Set([101, 204, 205, 304]);

/** `done` is called once the body has ended in any way; at once when there is none. */
export function limitedResponse(answer: HopAnswer, origin: Origin, bytesMax: number, done: () => void): Response {
  const { status, statusText, body } = answer;
  if (status < 200 || status > 599) throw new TypeError(`${origin.url.host} answered with the status ${status}`);
  const headers = new Headers([...answer.headers]);
  if (body === null || NULL_BODY_STATUSES.has(status)) {
    body?.cancel().catch(() => undefined);
    done();
    return withOrigin(new Response(null, { status, statusText, headers }), origin);
  }
  const tooLarge = new TypeError(`the response of ${origin.url.host} is larger than ${bytesMax} bytes`);
  const declared = Number(answer.headers.get('content-length') ?? 0);
  const limited = limitedBody(body, declared > bytesMax ? -1 : bytesMax, tooLarge, done);
  return withOrigin(new Response(limited, { status, statusText, headers }), origin);
}

function limitedBody(source: ReadableStream<Uint8Array>, bytesMax: number, tooLarge: Error, done: () => void) {
  const reader = source.getReader();
  const leave = async (reason: unknown) => {
    done();
    await reader.cancel(reason).catch(() => undefined);
  };
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          // A body that announced too much is not read at all.
          const { done: ended, value } = bytesMax < 0 ? { done: false as const, value: null } : await reader.read();
          bytes += value?.byteLength ?? 0;
          if (ended) {
            done();
            controller.close();
          } else if (value === null || bytes > bytesMax) {
            controller.error(tooLarge);
            await leave(tooLarge);
          } else controller.enqueue(value);
        } catch (error) {
          done();
          controller.error(error);
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
}

/** A Response of one's own making has no URL; `clone` would lose it again. */
function withOrigin(response: Response, origin: Origin): Response {
  const clone = response.clone.bind(response);
  const url = new URL(origin.url);
  url.hash = '';
  return Object.defineProperties(response, {
    url: { value: url.href, enumerable: true },
    redirected: { value: origin.redirected, enumerable: true },
    clone: { value: () => withOrigin(clone(), origin) },
  });
}
