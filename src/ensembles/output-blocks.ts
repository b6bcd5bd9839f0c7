// An ensemble's `output`, brought into one form: a list of blocks, the first of which holds whose `when` is true. Owns
// which object is a block and which is the body itself. Evaluates nothing.
import type { JsonObject, JsonValue } from '../model/json.ts';
import { checkCondition, type Reach } from './check-expressions.ts';
import { type Cursor, type Shape, suggestion } from './cursor.ts';
import { holdsExpression } from './expressions-in.ts';

const BLOCK: Shape = {
  what: 'an output block',
  keys: ['when', 'status', 'headers', 'body', 'rawBody', '_raw', 'redirect', 'format'],
  aliases: { condition: 'when' },
};
const FORMATS = ['json', 'text', 'html', 'xml', 'csv', 'markdown', 'yaml', 'ics', 'rss', 'atom'] as const;
const REDIRECTS = [301, 302, 303, 307, 308];
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** `outputParameters` of the definition. */
export function readOutput(cursor: Cursor | undefined, reach: Reach): JsonObject {
  if (cursor === undefined) return {};
  if (cursor.node.kind === 'list') return { blocks: readBlocks(cursor, reach) };
  if (cursor.node.kind === 'map' && isBlock(cursor)) return { blocks: [readBlock(cursor, reach)] };
  if (cursor.node.kind === 'scalar' && cursor.node.value === null) {
    cursor.error('`output` is empty', 'Remove it to give out what the last step gives, or write `output: { … }`.');
  }
  return { blocks: [{ body: cursor.json() }] };
}

/** A body that is merely `{ status: … }` is a body: nobody answers with a status alone by an object. */
function isBlock(cursor: Cursor): boolean {
  const keys = cursor.node.kind === 'map' ? cursor.node.entries.map((entry) => entry.key) : [];
  if (keys.includes('_raw')) return true;
  return keys.length > 0 && keys.every((key) => BLOCK.keys.includes(key)) && keys.join() !== 'status';
}

function readBlocks(cursor: Cursor, reach: Reach): JsonValue[] {
  const items = cursor.list();
  if (items.length === 0) cursor.error('`output` is an empty list', 'Add a block: `- body: …`.');
  let always: number | null = null;
  return items.map((item) => {
    if (always !== null)
      item.warning(
        `This block is never reached: the one in line ${always} has no \`when\``,
        'Move it up, or give the other a `when`.',
      );
    const block = readBlock(item, reach);
    if (block.when === undefined && always === null) always = item.position.line;
    return block;
  });
}

function readBlock(cursor: Cursor, reach: Reach): JsonObject {
  const block: JsonObject = {};
  const fields = cursor.fields(BLOCK);
  if (fields === undefined) return block;
  const condition = fields.get('when');
  const when = condition === undefined ? undefined : checkCondition(condition, reach);
  // One form for the engine: a bare condition gets its marks.
  if (when !== undefined) block.when = holdsExpression(when) ? when : `\${${when}}`;
  const status = fields.get('status');
  if (status !== undefined) block.status = readStatus(status);
  const headers = fields.get('headers');
  if (headers !== undefined) block.headers = readHeaders(headers);
  const redirect = fields.get('redirect');
  if (redirect !== undefined) block.redirect = readRedirect(redirect);
  const format = fields.get('format');
  if (format !== undefined) block.format = readFormat(format);
  const bodies = ['body', 'rawBody', '_raw'].filter((key) => fields.has(key));
  for (const key of bodies.slice(1))
    fields.get(key)?.error(`\`${bodies[0]}\` and \`${key}\` are given both`, 'Keep one of them.');
  const body = fields.get(bodies[0] ?? '');
  if (body !== undefined) block.body = body.json();
  if (bodies[0] === '_raw' || bodies[0] === 'rawBody') block.raw = true;
  if (bodies[0] === 'rawBody') asText(block);
  return block;
}

function asText(block: JsonObject): void {
  const headers =
    typeof block.headers === 'object' && block.headers !== null && !Array.isArray(block.headers) ? block.headers : {};
  if (block.format !== undefined || Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')) return;
  block.headers = { ...headers, 'Content-Type': 'text/plain' };
}

function readStatus(cursor: Cursor): JsonValue {
  const value = cursor.json();
  if (holdsExpression(value) && typeof value === 'string') return value;
  return cursor.whole(100, 599) ?? 200;
}

function readHeaders(cursor: Cursor): JsonObject {
  const headers: JsonObject = {};
  const keys = cursor.object();
  for (const [name, value] of cursor.fields({ what: 'headers', keys: Object.keys(keys ?? {}) }) ?? []) {
    const given = value.json();
    if (!HEADER_NAME.test(name))
      value.error(`"${name}" is not the name of a header`, 'Letters, digits and "-".', value.keyPosition);
    else if (typeof given !== 'string' && typeof given !== 'number' && typeof given !== 'boolean')
      value.error(`The header ${name} must be text`, `Write \`${name}: some text\`.`);
    else if (/[\r\n\0]/.test(String(given)))
      value.error(`The header ${name} must be one line`, 'Remove the line breaks.');
    else headers[name] = String(given);
  }
  return headers;
}

function readRedirect(cursor: Cursor): JsonObject {
  if (cursor.node.kind === 'scalar')
    cursor.error('`redirect` must be a mapping', `Write \`redirect: { url: "${cursor.node.value}", status: 302 }\`.`);
  const fields =
    cursor.node.kind === 'scalar' ? undefined : cursor.fields({ what: 'a redirect', keys: ['url', 'status'] });
  if (fields === undefined) return {};
  if (!fields.has('url')) cursor.error('A redirect needs its url', 'Add `url: /elsewhere`.');
  const status = fields.get('status');
  const value = status?.json() ?? 302;
  if (
    status !== undefined &&
    !(typeof value === 'string' && holdsExpression(value)) &&
    !REDIRECTS.some((one) => one === value)
  ) {
    status.error(`The status of a redirect is one of ${REDIRECTS.join(', ')}`, 'Write `status: 302`, or leave it out.');
  }
  return { url: fields.get('url')?.text('url: /elsewhere') ?? '', status: value };
}

function readFormat(cursor: Cursor): JsonObject {
  const fields =
    cursor.node.kind === 'map'
      ? cursor.fields({ what: 'a format', keys: ['type', 'extract', 'contentType'] })
      : undefined;
  if (cursor.node.kind === 'map' && fields?.has('type') === false)
    cursor.error('A format needs its type', 'Add `type: html`.');
  const named = fields === undefined ? cursor : fields.get('type');
  const type = named?.text('format: html');
  if (named !== undefined && type !== undefined && !FORMATS.some((format) => format === type)) {
    named.error(`"${type}" is not a format: ${FORMATS.join(', ')}`, suggestion(type, FORMATS));
  }
  const format: JsonObject = { type: type ?? 'json' };
  for (const key of ['extract', 'contentType']) {
    const text = fields?.get(key)?.text(`${key}: ${key === 'extract' ? 'html' : 'text/html'}`);
    if (text !== undefined) format[key] = text;
  }
  return format;
}
