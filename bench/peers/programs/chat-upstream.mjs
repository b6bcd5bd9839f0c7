// The model provider behind the gateway: one fixed chat completion, padded to BENCH_BYTES, and a count of the calls.
import { serve } from './front.mjs';

const completion = (content) => ({
  id: 'c',
  object: 'chat.completion',
  choices: [{ message: { role: 'assistant', content } }],
});
const bare = JSON.stringify(completion('')).length;
const answer = completion('.'.repeat(Math.max(0, Number(process.env.BENCH_BYTES) - bare)));
let calls = 0;

serve(
  async () => {
    calls += 1;
    return answer;
  },
  () => ({ calls }),
);
