/**
 * Where a visitor must be to use a grant. Binding to one address would shut out real people: browsers switch between IPv4
 * and IPv6 within a page (RFC 8305), and telephones change addresses all day. So a grant names networks, a /24 of IPv4 and
 * a /64 of IPv6, of which the one of the visitor's family counts. A country is an estimate of whoever fronts the edge.
 */

export interface Place {
  /** First three octets of the /24, `203.0.113`; null when no IPv4 address may use the grant, or networks do not count. */
  ipv4: string | null
  /** First 64 bits as 16 hexadecimal digits, `20010db800000001`; null as above. */
  ipv6: string | null
  /** ISO 3166-1 alpha-2 in capitals; null for any. */
  country: string | null
}

/** What an edge knows of who asks. */
export interface Visitor {
  /** IPv4, IPv6, or IPv4 mapped into IPv6, in any spelling of RFC 4291. */
  address?: string | undefined
  /** ISO 3166-1 alpha-2. */
  country?: string | undefined
}

/**
 * The place of someone known under these addresses, at most one of each family being used (the last). Throws `TypeError`
 * for what is no address or no country, since a grant that is bound to nothing would be open to everyone.
 */
export function placeOf({ addresses = [], country }: { addresses?: string[]; country?: string }): Place {
  const place: Place = { ipv4: null, ipv6: null, country: country?.toUpperCase() ?? null }
  for (const address of addresses) {
    const network = networkOf(address)
    if (network === null) throw new TypeError(`${JSON.stringify(address)} is not an IP address`)
    place[network.family] = network.prefix
  }
  if (!isPlace(place)) throw new TypeError('A place needs an address or a country')
  return place
}

/** Whoever is bound to a place and is not known to be there, is not there. */
export function isAt(place: Place, { address, country }: Visitor): boolean {
  if (place.country !== null && place.country !== country?.toUpperCase()) return false
  if (place.ipv4 === null && place.ipv6 === null) return true
  const network = address === undefined ? null : networkOf(address)
  return network !== null && place[network.family] === network.prefix
}

/** True for exactly one spelling of each place; never for one that means nothing. */
export function isPlace({ ipv4, ipv6, country }: Place): boolean {
  return (
    (ipv4 !== null || ipv6 !== null || country !== null) &&
    (ipv4 === null || octetsOf(ipv4, 3) !== null) &&
    (ipv6 === null || /^[0-9a-f]{16}$/.test(ipv6)) &&
    // XX and ZZ are how "unknown" is written.
    (country === null || (/^[A-Z]{2}$/.test(country) && country !== 'XX' && country !== 'ZZ'))
  )
}

interface Network {
  family: 'ipv4' | 'ipv6'
  prefix: string
}

function networkOf(address: string): Network | null {
  const ipv4 = octetsOf(address, 4)
  if (ipv4 !== null) return { family: 'ipv4', prefix: ipv4.slice(0, 3).join('.') }
  const groups = groupsOf(address)
  if (groups === null) return null
  // `::ffff:203.0.113.7`, as a socket for both families says it.
  if (groups.slice(0, 6).join() === '0,0,0,0,0,65535') {
    const [high = 0, low = 0] = groups.slice(6)
    return { family: 'ipv4', prefix: `${high >> 8}.${high & 255}.${low >> 8}` }
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16).padStart(4, '0'))
  return { family: 'ipv6', prefix: prefix.join('') }
}

/** Decimal without leading zeros, which some read as octal. */
function octetsOf(text: string, count: number): number[] | null {
  const octets = text.split('.')
  const isRight = octets.length === count && octets.every((octet) => /^(?:0|[1-9]\d{0,2})$/.test(octet))
  return isRight && octets.every((octet) => Number(octet) <= 255) ? octets.map(Number) : null
}

/** The eight groups of an IPv6 address (RFC 4291 section 2.2), its zone left out. */
function groupsOf(address: string): number[] | null {
  const halves = withoutDots(address.replace(/%.*$/, '')).split('::')
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - tail.length
  if (halves.length > 2 || (halves.length === 2 ? missing < 1 : missing !== 0)) return null
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail]
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null
}

/** `::ffff:203.0.113.7` as `::ffff:cb00:7107`. */
function withoutDots(address: string): string {
  const [, head, dotted = ''] = /^(.*:)([\d.]+)$/.exec(address) ?? []
  const octets = octetsOf(dotted, 4)
  if (head === undefined || octets === null) return address
  const [a = 0, b = 0, c = 0, d = 0] = octets
  return `${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}
