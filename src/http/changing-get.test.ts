import { expect, it } from 'vitest';
import { kvSessions, sessionName } from '../access/sessions.ts';
import { accessWith, NOW_MS, ROOT } from './access.fixture.ts';
import { createApp } from './app.ts';
import { type Route, text } from './route.ts';

const shared = { method: 'GET', requires: 'authenticated', dialect: 'conductor', summary: '' } as const;
const routes: Route[] = [
  { ...shared, path: '/read', handle: () => text('read') },
  { ...shared, path: '/change', changes: true, handle: () => text('changed') },
];

const session = { userId: 'user_1', permissions: ['*'], expiresMs: NOW_MS + 1000 };
const kv = { get: async (key: string) => (key === sessionName('token-of-a-session') ? JSON.stringify(session) : null) };
const cookie = { name: 'session', sessions: kvSessions(kv) };
const users = [{ user: 'ann', password: 'a-long-password', permissions: ['*'] }];

it('a link on the page of another site changes nothing by GET, whatever a browser sends along with it', async () => {
  const app = createApp({ routes, access: await accessWith({}, { now: () => NOW_MS }, { cookie, basic: users }) });
  const statusOf = async (path: string, headers: Record<string, string>) =>
    (await app.request(path, { headers })).status;
  const ofBrowser = { cookie: 'session=token-of-a-session' };
  const ofName = { authorization: `Basic ${Buffer.from('ann:a-long-password').toString('base64')}` };
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
  expect(await statusOf('/read', { ...ofBrowser, ...link })).toBe(200);
  expect(await statusOf('/change', { ...ofBrowser, ...link })).toBe(403);
  expect(await statusOf('/change', ofBrowser)).toBe(403);
  expect(await statusOf('/read', { ...ofName, ...link })).toBe(200);
  expect(await statusOf('/change', { ...ofName, ...link })).toBe(403);
  expect(await statusOf('/change', { ...ofName, 'sec-fetch-site': 'same-site' })).toBe(403);
  expect(await statusOf('/change', ofName)).toBe(200);
  expect(await statusOf('/change', { 'x-api-key': ROOT })).toBe(200);
  expect(await statusOf('/change', { 'x-api-key': ROOT, ...link })).toBe(200);
});
