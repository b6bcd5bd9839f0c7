import { describe, expect, it } from 'vitest';
import type { AgentExecutionContext } from '../operations/operation.ts';
import { createEdge } from './edge.ts';
import { createLocation } from './location.ts';
import type { VisitorData } from './visitor.ts';

// The handlers as the page prints them.

const processUserData = (input: unknown) => ({ processed: input });

async function jurisdictionDetection(context: AgentExecutionContext) {
  const { location, input } = context;

  // Automatic jurisdiction detection
  if (location?.isGDPR) {
    // User is in EU/EEA/UK - opt-in consent required
    if (!input.consents?.analytics) {
      return { requiresConsent: true, jurisdiction: 'GDPR' };
    }
  }

  if (location?.isCCPA) {
    // User is in California - opt-out model
    // Can process unless user has opted out
  }

  // Process with appropriate compliance
  return processUserData(input);
}

async function consentHelpers(context: AgentExecutionContext) {
  const { location } = context;

  // Check specific consent purposes
  const purposes = ['analytics', 'marketing', 'personalization'];

  const requiredConsents = purposes.filter(
    // biome-ignore lint/suspicious/noExplicitAny: as printed
    (purpose) => location?.requiresConsent(purpose as any),
  );

  return {
    consentModel: location?.consentModel, // 'opt-in' | 'opt-out' | 'none'
    requiredConsents,
    jurisdiction: location?.jurisdiction,
  };
}

async function botDetection(context: AgentExecutionContext) {
  const { edge } = context;

  // Detect automated traffic
  if (edge?.isFromCloudProvider()) {
    // Requests from AWS, GCP, Azure often indicate bots
    return { action: 'challenge', reason: edge.getCloudProvider() };
  }

  // Check for modern protocols
  if (!edge?.isModernTLS()) {
    // Outdated clients may be suspicious
    return { action: 'warn', reason: 'legacy_tls' };
  }

  return { action: 'allow' };
}

function contextOf(data: VisitorData, input: unknown = {}): AgentExecutionContext {
  return {
    input,
    config: {},
    env: {},
    executionId: 'req_1',
    requestId: 'req_1',
    auth: { authenticated: false, method: null, user: null },
    location: createLocation(data, Date.now),
    edge: createEdge(data),
    fetch: () => Promise.reject(new Error('not here')),
    logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    state: {},
    setState: () => undefined,
    previousOutputs: {},
    signal: new AbortController().signal,
    waitUntil: () => undefined,
  };
}

describe('S25: the privacy handlers of the page', () => {
  it.each(['DE', 'IS', 'GB'])('%s must consent first', async (country) => {
    expect(await jurisdictionDetection(contextOf({ country }))).toEqual({
      requiresConsent: true,
      jurisdiction: 'GDPR',
    });
    const input = { consents: { analytics: true } };
    expect(await jurisdictionDetection(contextOf({ country }, input))).toEqual({ processed: input });
  });

  it.each([{ country: 'US', regionCode: 'CA' }, { country: 'AU' }, {}])('%j is processed', async (data) => {
    expect(await jurisdictionDetection(contextOf(data))).toEqual({ processed: {} });
  });

  it('say which consents are required', async () => {
    const all = ['analytics', 'marketing', 'personalization'];
    expect(await consentHelpers(contextOf({ country: 'FR' }))).toEqual({
      consentModel: 'opt-in',
      requiredConsents: all,
      jurisdiction: 'GDPR',
    });
    expect(await consentHelpers(contextOf({ country: 'US', regionCode: 'CA' }))).toEqual({
      consentModel: 'opt-out',
      requiredConsents: [],
      jurisdiction: 'CCPA',
    });
    expect(await consentHelpers(contextOf({}))).toEqual({
      consentModel: 'none',
      requiredConsents: [],
      jurisdiction: null,
    });
  });

  it('keep no consent from one call to the next', async () => {
    const given = contextOf({ country: 'DE' }, { consents: { analytics: true } });
    await jurisdictionDetection(given);
    expect(await jurisdictionDetection({ ...given, input: {} })).toMatchObject({ requiresConsent: true });
  });
});

describe('S26: the bot detection of the page', () => {
  it.each([
    [
      { asn: 16509, tlsVersion: 'TLSv1.3' },
      { action: 'challenge', reason: 'AWS' },
    ],
    [
      { asn: 396982, tlsVersion: 'TLSv1.3' },
      { action: 'challenge', reason: 'Google Cloud' },
    ],
    [
      { asn: 7922, tlsVersion: 'TLSv1.1' },
      { action: 'warn', reason: 'legacy_tls' },
    ],
    [{}, { action: 'warn', reason: 'legacy_tls' }],
    [{ asn: 7922, tlsVersion: 'TLSv1.3' }, { action: 'allow' }],
  ])('%j gives %j', async (data, action) => {
    expect(await botDetection(contextOf(data))).toEqual(action);
  });
});
