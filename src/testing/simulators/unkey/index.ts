// What tests, examples and benches import.
export type { SimulatedKey, UnkeyFault, UnkeySimulator } from './simulator.ts';
export { startUnkeySimulator } from './simulator.ts';
