// The seed page's handlers that look at who calls, as printed, over every way to run one: triggers, the execute API
// for ensembles, and for agents. Where a caller is, only a proxy that the operator trusts may say.
import { beforeAll, describe, expect, test } from 'vitest';
import { HANDLERS } from '../docs/security-page.fixture.ts';
import { openSite, type Site } from './project.fixture.ts';

const agent = (name: string, code: string) => ({
  [`agents/${name}/agent.yaml`]: `name: ${name}\noperation: code\nhandler: ./index.ts\n`,
  [`agents/${name}/index.ts`]: code,
  [`ensembles/${name}.yaml`]: `name: ${name}-e
trigger:
  - type: http
    path: /${name}
    methods: [GET, POST]
    public: true
  - type: webhook
    path: /hooks/${name}
    public: true
flow:
  - agent: ${name}
`,
});

const FILES = {
  ...agent('jurisdiction', `const processUserData = (input) => ({ processed: true })\n${HANDLERS.jurisdiction}`),
  ...agent('consent', HANDLERS.consent),
  ...agent('bots', HANDLERS.bots),
};

const GERMANY = { 'cf-ipcountry': 'DE' };
const CALIFORNIA = {
  'cloudfront-viewer-country': 'US',
  'cloudfront-viewer-country-region': 'CA',
  'cloudfront-viewer-tls': 'TLSv1.3:TLS_AES_128_GCM_SHA256:fullHandshake',
};
const BRAZIL = { 'x-vercel-ip-country': 'BR' };

let trusting: Site;
let wary: Site;

beforeAll(async () => {
  wary = await openSite(FILES);
  trusting = await openSite({
    ...FILES,
    'conductor.config.ts':
      "export default { security: { trustedProxies: ['127.0.0.1'], geoHeaders: ['cloudflare', 'vercel', 'cloudfront'] } }\n",
  });
});

/** What a handler answers on every way to it. */
async function everyWay(site: Site, name: string, headers: Record<string, string>, input = {}): Promise<unknown[]> {
  const all = { ...headers, 'x-api-key': await site.key('*') };
  const read = async (answer: Response) => {
    expect(answer.status).toBe(200);
    return JSON.parse(await answer.text());
  };
  return [
    await read(await site.post(`/${name}`, input, headers)),
    await read(await site.post(`/hooks/${name}`, input, headers)),
    (await read(await site.post(`/api/v1/execute/ensemble/${name}-e`, { input }, all))).output,
    (await read(await site.post(`/api/v1/execute/agent/${name}`, { input }, all))).data,
  ];
}

const fourTimes = (value: unknown) => [value, value, value, value];

describe('behind a trusted proxy', () => {
  test('S24: the printed handler gets location and input, through triggers and both execute routes', async () => {
    const asks = { requiresConsent: true, jurisdiction: 'GDPR' };
    expect(await everyWay(trusting, 'jurisdiction', GERMANY)).toEqual(fourTimes(asks));
    const agreed = { consents: { analytics: true } };
    expect(await everyWay(trusting, 'jurisdiction', GERMANY, agreed)).toEqual(fourTimes({ processed: true }));
    expect(await everyWay(trusting, 'jurisdiction', CALIFORNIA)).toEqual(fourTimes({ processed: true }));
  });

  test('S25: the consent helpers answer by jurisdiction', async () => {
    const strict = ['analytics', 'marketing', 'personalization'];
    expect(await everyWay(trusting, 'consent', GERMANY)).toEqual(
      fourTimes({ consentModel: 'opt-in', requiredConsents: strict, jurisdiction: 'GDPR' }),
    );
    expect(await everyWay(trusting, 'consent', CALIFORNIA)).toEqual(
      fourTimes({ consentModel: 'opt-out', requiredConsents: [], jurisdiction: 'CCPA' }),
    );
    expect(await everyWay(trusting, 'consent', BRAZIL)).toEqual(
      fourTimes(expect.objectContaining({ jurisdiction: 'LGPD' })),
    );
  });

  test('S26: the edge tells clouds by their network, and old TLS', async () => {
    const fromAws = { 'x-vercel-ip-country': 'US', 'x-vercel-ip-as-number': '16509' };
    const [first, ...rest] = await everyWay(trusting, 'bots', fromAws);
    expect(first).toEqual({ action: 'challenge', reason: expect.stringMatching(/AWS|Amazon/i) });
    expect(rest).toEqual([first, first, first]);
    expect(await everyWay(trusting, 'bots', CALIFORNIA)).toEqual(fourTimes({ action: 'allow' }));
    const old = { ...CALIFORNIA, 'cloudfront-viewer-tls': 'TLSv1.0:AES128-SHA:fullHandshake' };
    expect(await everyWay(trusting, 'bots', old)).toEqual(fourTimes({ action: 'warn', reason: 'legacy_tls' }));
  });
});

describe('behind a trusted proxy that passes on what it does not set', () => {
  test('S24: a caller cannot pose as of another country: only headers that the operator names are read', async () => {
    const spoofed = { ...CALIFORNIA, ...BRAZIL, 'cf-region-code': 'CA', 'cf-timezone': 'America/Los_Angeles' };
    const strict = { consentModel: 'opt-in', jurisdiction: 'GDPR' };
    const site = (headers: string) =>
      openSite({
        ...FILES,
        'conductor.config.ts': `export default { security: { trustedProxies: ['127.0.0.1'], geoHeaders: [${headers}] } }\n`,
      });
    const none = await site('');
    expect(await everyWay(none, 'consent', { ...GERMANY, ...spoofed })).toEqual(await everyWay(none, 'consent', {}));
    const country = await site("'cf-ipcountry'");
    for (const headers of [GERMANY, { ...GERMANY, ...spoofed }]) {
      expect(await everyWay(country, 'consent', headers)).toEqual(fourTimes(expect.objectContaining(strict)));
    }
    expect(await everyWay(country, 'consent', spoofed)).toEqual(await everyWay(none, 'consent', {}));
  });
});

describe('with nobody trusted', () => {
  test('S24, S25, S26: what a caller says of its place is ignored, on every way', async () => {
    const spoofed = {
      ...GERMANY,
      ...CALIFORNIA,
      ...BRAZIL,
      'x-vercel-ip-as-number': '16509',
      'x-forwarded-for': '8.8.8.8',
    };
    const nowhere = await everyWay(wary, 'consent', {});
    for (const name of ['jurisdiction', 'consent', 'bots']) {
      expect(await everyWay(wary, name, spoofed)).toEqual(await everyWay(wary, name, {}));
    }
    expect(JSON.stringify(nowhere)).not.toMatch(/GDPR|CCPA|LGPD/);
  });

  test('an address in the history would be personal data: none is kept', async () => {
    const answer = await trusting.post(
      '/api/v1/execute/agent/consent',
      { input: {} },
      {
        ...GERMANY,
        'x-forwarded-for': '203.0.113.77',
        'x-api-key': await trusting.key('*'),
      },
    );
    const { metadata } = JSON.parse(await answer.text());
    const history = await trusting.get(`/api/workflow/${metadata.executionId}`, {
      'x-api-key': await trusting.key('*'),
    });
    expect(history.status).toBe(200);
    const text = await history.text();
    expect(text).toContain('"DE"');
    expect(text).not.toContain('203.0.113.77');
  });
});
