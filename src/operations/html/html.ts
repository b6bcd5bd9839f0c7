// The `html` operation: a page from a template and data, with everything inserted escaped. Config `template` (text, or
// `{inline, engine}`), `engine` (or `templateEngine`): `simple` (default) or `liquid`, `data`. The scope is the input's
// keys, config.data over them, and `input` itself. Output `{html, contentType}`. Throws AgentError for a bad template.
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { loose } from '../../model/schema.ts';
import { AgentError, type Operation } from '../operation.ts';
import { readConfig } from '../read-values.ts';
import { renderLiquid } from './liquid-template.ts';
import { renderSimple } from './simple-template.ts';

const Engine = z.enum(['simple', 'liquid']);

const Config = z.strictObject({
  template: z.union([z.string(), z.strictObject({ inline: z.string(), engine: loose(Engine) })]),
  engine: loose(Engine),
  templateEngine: loose(Engine),
  data: loose(z.custom<JsonObject>(isJsonObject, 'must be an object')),
});

const HTML_LENGTH_MAX = 10_000_000;

export const html: Operation = {
  name: 'html',
  config: Config,
  literal: ['template'],
  run: async (context) => {
    const config = readConfig(Config, context.config);
    const { template } = config;
    const [source, own] = typeof template === 'string' ? [template, undefined] : [template.inline, template.engine];
    const engine = own ?? config.engine ?? config.templateEngine ?? 'simple';
    const fields = isJsonObject(context.input) ? context.input : {};
    const scope: JsonObject = { ...fields, ...config.data, input: context.input };
    const page = engine === 'liquid' ? await renderLiquid(source, scope) : renderSimple(source, scope);
    if (page.length > HTML_LENGTH_MAX) throw new AgentError('The page is longer than 10,000,000 characters.', false);
    return { html: page, contentType: 'text/html; charset=utf-8' };
  },
};
