// `safeFetch` as a project's own code imports it.
import type { SafeFetch } from '../../egress/egress.ts';
import { createWebSafeFetch } from '../../egress/safe-fetch-web.ts';
import { warnOfBypass } from '../../egress/tell-bypass.ts';

export const safeFetch: SafeFetch = createWebSafeFetch({ onBypass: warnOfBypass });
