// Stripe's minor units. Owns how many of them make one unit, and which currency a cap in dollars can count.
import { formatUsd } from '../../../model/money.ts';
import type { Price } from '../vendor.ts';

/** ISK and UGX are written with two decimals that must be 00, so they are not in the list. */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));

const MICROS_PER_CENT = 10_000;
const MICROS_PER_UNIT = 1_000_000;

/** Micro-USD; undefined for every other currency: without a rate there is no exact cap. */
export function usdMicros({ amountMinor, currency }: Price): number | undefined {
  return currency === 'usd' ? amountMinor * MICROS_PER_CENT : undefined;
}

/** "10.00 USD", "1000 JPY". */
export function describePrice({ amountMinor, currency }: Price): string {
  const code = currency.toUpperCase();
  if (ZERO_DECIMAL.has(currency)) return `${amountMinor} ${code}`;
  const perUnit = THREE_DECIMAL.has(currency) ? 1000 : 100;
  return `${formatUsd((amountMinor * MICROS_PER_UNIT) / perUnit)} ${code}`;
}
