// Networks by their number (ASN): whose machines are rented out, and whose carry VPN traffic. Nothing but data. A number
// that is missing says nothing, and one that is here says where a request came from, not who sent it.

export const CLOUD_PROVIDERS: ReadonlyMap<number, string> = new Map([
  [16509, 'AWS'],
  [14618, 'AWS'],
  [8987, 'AWS'],
  [15169, 'Google Cloud'],
  [396982, 'Google Cloud'],
  [8075, 'Microsoft Azure'],
  [8068, 'Microsoft'],
  [8069, 'Microsoft'],
  [14061, 'DigitalOcean'],
  [13335, 'Cloudflare'],
  [31898, 'Oracle Cloud'],
  [36351, 'IBM Cloud'],
  [45102, 'Alibaba Cloud'],
  [37963, 'Alibaba Cloud'],
  [45090, 'Tencent Cloud'],
  [132203, 'Tencent Cloud'],
  [63949, 'Linode'],
  [20473, 'Vultr'],
  [24940, 'Hetzner'],
  [213230, 'Hetzner'],
  [16276, 'OVH'],
  [12876, 'Scaleway'],
  [51167, 'Contabo'],
  [40509, 'Fly.io'],
]);

/** Some are hosts that VPN services rent at large rather than the services' own networks. */
export const VPN_PROVIDERS: ReadonlyMap<number, string> = new Map([
  [212238, 'NordVPN'],
  [394711, 'ExpressVPN'],
  [19969, 'PIA'],
  [39351, 'Mullvad'],
  [198120, 'Mullvad'],
  [216025, 'Mullvad'],
  [62371, 'ProtonVPN'],
  [209103, 'ProtonVPN'],
  [9009, 'M247'],
]);
