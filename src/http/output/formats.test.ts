import { describe, expect, it, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { formatOutput } from './formats.ts';
import { renderOutput } from './render-output.ts';

describe('a format', () => {
  test.each<[JsonObject, JsonValue, string, string]>([
    [{ type: 'text' }, { only: 'hello' }, 'text/plain; charset=utf-8', 'hello'],
    [{ type: 'html', extract: 'page.html' }, { page: { html: '<p>' }, x: 1 }, 'text/html; charset=utf-8', '<p>'],
    [{ type: 'xml' }, '<a/>', 'application/xml', '<a/>'],
    [{ type: 'markdown' }, { md: '# x' }, 'text/markdown; charset=utf-8', '# x'],
    [{ type: 'ics' }, 'BEGIN:VCALENDAR', 'text/calendar; charset=utf-8', 'BEGIN:VCALENDAR'],
    [{ type: 'rss' }, '<rss/>', 'application/rss+xml', '<rss/>'],
    [{ type: 'atom' }, '<feed/>', 'application/atom+xml', '<feed/>'],
    [{ type: 'yaml' }, { a: [1, 'x'] }, 'application/x-yaml', 'a:\n  - 1\n  - x\n'],
    [{ type: 'json', extract: 'a' }, { a: [1], b: 2 }, 'application/json', '[1]'],
    [{ type: 'text', contentType: 'text/x-log' }, 'l', 'text/x-log', 'l'],
    [{ type: 'csv', extract: 'rows.0' }, { rows: [[['a', 1]]], more: 1 }, 'text/csv; charset=utf-8', 'a,1\r\n'],
  ])('%o', (format, body, contentType, text) => {
    expect(formatOutput(body, format)).toEqual({ text, contentType });
  });

  it('csv has a head of all names, and quotes what needs it', () => {
    const rows: JsonObject[] = [
      { a: 'x,"y"\n', b: null },
      { b: 2, c: { d: 1 } },
    ];
    expect(formatOutput({ rows }, { type: 'csv' }).text).toBe('a,b,c\r\n"x,""y""\n",,\r\n,2,"{""d"":1}"\r\n');
  });

  test.each<[JsonObject, JsonValue, string]>([
    [{ type: 'text' }, { a: 1, b: 2 }, 'FORMAT_EXTRACTION_FAILED'],
    [{ type: 'html' }, { a: { b: 1 } }, 'FORMAT_EXTRACTION_FAILED'],
    [{ type: 'html', extract: 'none' }, { a: 1 }, 'FORMAT_EXTRACTION_FAILED'],
    [{ type: 'html', extract: 'constructor.name' }, { a: 1 }, 'FORMAT_EXTRACTION_FAILED'],
    [{ type: '__proto__' }, 'x', 'UNKNOWN_FORMAT'],
  ])('%o of %o is refused', (format, body, reason) => {
    expect(() => formatOutput(body, format)).toThrow(expect.objectContaining({ reason }));
  });
});

describe('a reply', () => {
  it('honours the status and headers of a plain JSON body', () => {
    expect(renderOutput({ id: 1 }, { status: 201, headers: { Location: '/x', n: 5 } })).toEqual({
      status: 201,
      headers: { location: '/x', n: '5' },
      contentType: 'application/json',
      body: '{"id":1}',
    });
  });

  it('has no body where its status allows none, and 200 where its status is none', () => {
    expect(renderOutput({ a: 1 }, { status: 204 })).toEqual({ status: 204, headers: {} });
    for (const status of [0, 42, 999, 'abc', 100]) expect(renderOutput({}, { status }).status).toBe(200);
    expect(renderOutput({}, { status: '404' }).status).toBe(404);
  });
});
