// The Portkey gateway before a local model provider, whose answer is as long as that of the vendor behind our vault.
import { join } from 'node:path';
import { z } from 'zod';
import { Child } from '../child.ts';
import type { Contender, Site } from './contender.ts';
import { Post } from './post.ts';
import { answers, freePort, install, Kept } from './processes.ts';
import { VENDOR_ANSWER_BYTES } from './us-calls.ts';

const PACKAGES = { '@portkey-ai/gateway': '1.15.2' };
export const PORTKEY_VERSION = PACKAGES['@portkey-ai/gateway'];
const GATEWAY = join('node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
const BODY = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] });
const PATH = '/v1/chat/completions';
const answerSchema = z.object({ object: z.literal('chat.completion') });
const callsSchema = z.object({ calls: z.number() });

export async function openPortkey({ folder, keep }: Site): Promise<Contender> {
  await install(folder, PACKAGES);
  const upstream = await Child.start('upstream', '', { answer: completion(VENDOR_ANSWER_BYTES) });
  try {
    return await openGateway(folder, keep, upstream);
  } catch (error) {
    await upstream.stop();
    throw error;
  }
}

async function openGateway(folder: string, keep: Site['keep'], upstream: Child): Promise<Contender> {
  const gateway = await freePort();
  const command = ['node', GATEWAY, `--port=${gateway}`, '--headless'];
  const server = keep(Kept.start('Portkey', command, { cwd: folder, env: { NODE_ENV: 'production' } }));
  const headers = {
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': `${upstream.url}/v1`,
    authorization: 'Bearer sk-bench',
  };
  const origin = `http://127.0.0.1:${gateway}`;
  await server.until(() => answers(origin));
  const post = new Post(origin);
  return {
    once: async () => {
      const text = await post.send(PATH, BODY, headers);
      answerSchema.parse(JSON.parse(text));
      if (text.length !== VENDOR_ANSWER_BYTES) throw new Error(`Portkey answered ${text.length} bytes`);
    },
    completed: async () => callsSchema.parse(await (await fetch(upstream.url)).json()).calls,
    // Nothing to set: it keeps no record of a call, so a call costs it no commit at all.
    durability: async () => 'keeps nothing: no reservation, no cap, no audit row',
    close: async () => {
      await post.close();
      await upstream.stop();
    },
  };
}

/** A chat completion of so many bytes. */
function completion(bytes: number): string {
  const of = (content: string) =>
    JSON.stringify({ id: 'c', object: 'chat.completion', choices: [{ message: { role: 'assistant', content } }] });
  return of('.'.repeat(bytes - of('').length));
}
