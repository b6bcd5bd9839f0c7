// What one run has to say to another, as it is kept while the other is busy: written as JSON, checked when read.
import { z } from 'zod';
import { Json, type JsonObject } from '../model/json.ts';
import { RUN_STATUSES } from '../model/run-status.ts';

const json = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value));

const signalEventSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('child-ended'),
    taskRowId: z.number(),
    child: z.object({
      id: z.string(),
      status: z.enum(RUN_STATUSES),
      output: json,
      reason: z.string().nullable(),
    }),
  }),
  z.object({ kind: z.literal('terminate'), reason: z.string().nullable() }),
]);

export type SignalEvent = z.infer<typeof signalEventSchema>;

export function signalDocument(event: SignalEvent): Json {
  return Json.text(JSON.stringify(event));
}

/** Throws for a document that no version of ours has written. */
export function signalEvent(document: Json): SignalEvent {
  return signalEventSchema.parse(document.value);
}
