import { expect, test } from 'vitest';
import type { AgentDefinition } from '../model/agent.ts';
import { builtIn } from '../operations/built-in-agent.ts';
import { hideSecrets } from './hide-secrets.ts';

const ENV = {
  REGION: 'eu',
  VENDOR: 'vendor-value-1',
  VENDOR_LONGER: 'vendor-value-1-and-more',
  API_KEY: 'key with/signs',
  HALF: 'half a pair \ud800',
  HOME: '/home/somebody',
  UNSET: undefined,
};
const agent = (config: AgentDefinition['config']): AgentDefinition => ({ ...builtIn('http', ''), config });

test('values of variables that the step or the agent names are taken out, the longest first', () => {
  const input = { env: { '/config/token': ['Bearer ${env.VENDOR}'] } };
  const named = agent({ more: "${env['VENDOR_LONGER']} ${env.REGION}" });
  const text = 'no vendor-value-1 nor vendor-value-1-and-more in eu';
  expect(hideSecrets(text, named, input, ENV)).toBe('no *** nor *** in eu');
});

test('so are those whose names say that they are secrets, also as they stand in a URL', () => {
  expect(hideSecrets('key with/signs, key%20with%2Fsigns', undefined, {}, ENV)).toBe('***, ***');
});

test('the rest stays, so that a failure can be understood', () => {
  const text = 'no such file: /home/somebody/vendor-value-1';
  expect(hideSecrets(text, agent({}), {}, ENV)).toBe(text);
});

test('half a character in a variable is no reason to fail', () => {
  expect(hideSecrets('x half a pair \ud800', agent({ a: '${env.HALF}' }), {}, ENV)).toBe('x ***');
});
