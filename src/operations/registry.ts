// Every operation that an agent may name. One line each; what they do is in their folders.
import { code } from './code/code.ts';
import { data } from './data/data.ts';
import { delay } from './debug/delay.ts';
import { echo } from './debug/echo.ts';
import { inspectContext } from './debug/inspect-context.ts';
import { docsOperation } from './docs/docs-agent.ts';
import { fetchAgent } from './fetch/fetch.ts';
import { hitlOperation } from './hitl/hitl-agent.ts';
import { html } from './html/html.ts';
import { httpRequest } from './http-request/http-request.ts';
import type { Operation } from './operation.ts';
import { rag } from './rag/rag.ts';
import { redirect } from './redirect/redirect.ts';
import { scrape } from './scrape/scrape.ts';
import { storage } from './storage/storage.ts';

export const OPERATIONS: readonly Operation[] = [
  code,
  httpRequest,
  html,
  storage,
  data,
  fetchAgent,
  scrape,
  redirect,
  rag,
  echo,
  delay,
  inspectContext,
  docsOperation,
  hitlOperation,
];
