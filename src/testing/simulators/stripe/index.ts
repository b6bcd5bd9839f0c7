// What tests, examples and benches import.
export type { Fault } from './faults.ts';
export type { StripeCharge } from './ledger.ts';
export type { SimulatedRequest, StripeSimulator, StripeSimulatorOptions } from './simulator.ts';
export { startStripeSimulator } from './simulator.ts';
