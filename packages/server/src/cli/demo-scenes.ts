/**
 * Landscapes drawn as SVG, for a library that looks like somebody's. The same seed draws the same picture, so that a second run
 * makes the same files.
 */

export const scenes = ['mountains', 'sea', 'dunes', 'forest', 'city', 'aurora', 'meadow'] as const
export type Scene = (typeof scenes)[number]

export interface Canvas {
  scene: Scene
  /** Pixels. */
  width: number
  height: number
  seed: number
}

type Random = (from?: number, to?: number) => number
type Colour = [hue: number, saturation: number, lightness: number]

interface Light {
  /** From the zenith down to the horizon. */
  sky: Colour[]
  sun: Colour
  haze: Colour
  /** Of what stands nearest. */
  near: Colour
}

const lights: Light[] = [
  // Dawn, a clear day, the golden hour, dusk, overcast.
  {
    sky: [
      [226, 45, 46],
      [275, 38, 66],
      [18, 88, 76],
    ],
    sun: [42, 100, 86],
    haze: [12, 55, 74],
    near: [250, 28, 20],
  },
  {
    sky: [
      [212, 72, 46],
      [205, 74, 66],
      [196, 66, 86],
    ],
    sun: [52, 100, 94],
    haze: [202, 48, 78],
    near: [158, 36, 19],
  },
  {
    sky: [
      [214, 42, 48],
      [36, 72, 72],
      [26, 96, 66],
    ],
    sun: [46, 100, 80],
    haze: [28, 76, 66],
    near: [16, 44, 17],
  },
  {
    sky: [
      [242, 46, 19],
      [284, 42, 36],
      [340, 68, 62],
    ],
    sun: [12, 96, 70],
    haze: [318, 38, 52],
    near: [252, 40, 10],
  },
  {
    sky: [
      [206, 18, 62],
      [202, 22, 74],
      [194, 24, 86],
    ],
    sun: [50, 30, 96],
    haze: [200, 18, 76],
    near: [188, 22, 22],
  },
]

export function drawScene({ scene, width, height, seed }: Canvas): string {
  const random = createRandom(seed)
  const light = lights[Math.floor(random(0, lights.length))] ?? night
  const body = painters[scene]({ width, height, random, light: scene === 'aurora' ? night : light })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${body}</svg>`
}

const night: Light = {
  sky: [
    [232, 58, 8],
    [226, 52, 16],
    [196, 46, 26],
  ],
  sun: [48, 40, 92],
  haze: [200, 40, 22],
  near: [225, 40, 5],
}

interface Brush {
  width: number
  height: number
  random: Random
  light: Light
}

const painters: Record<Scene, (brush: Brush) => string> = {
  mountains(brush) {
    const { height, random } = brush
    const layers = Math.round(random(4, 6))
    const ranges = Array.from({ length: layers }, (_, index) => {
      const depth = index / (layers - 1)
      return ridge(brush, height * (0.42 + depth * 0.4), height * (0.26 - depth * 0.13), depth)
    })
    return sky(brush, 0.75) + sun(brush, random(0.2, 0.8), random(0.22, 0.42)) + ranges.join('')
  },

  sea(brush) {
    const { width, height, random, light } = brush
    const horizon = height * random(0.48, 0.62)
    const x = random(0.25, 0.75)
    const top = light.sky[1] ?? light.haze
    const water =
      gradient('water', [mix(top, light.haze, 0.5), shade(top, -16), shade(light.near, 6)]) +
      `<rect y="${horizon}" width="${width}" height="${height - horizon}" fill="url(#water)"/>`
    const glints = Array.from({ length: 90 }, () => {
      const depth = random() ** 1.6
      const y = horizon + 2 + depth * (height - horizon)
      const spread = width * (0.02 + depth * 0.16)
      const length = width * (0.006 + depth * 0.05) * random(0.5, 1.5)
      const at = x * width + random(-spread, spread) - length / 2
      return `<rect x="${n(at)}" y="${n(y)}" width="${n(length)}" height="${n(1.5 + depth * height * 0.006)}" rx="2" fill="${css(light.sun)}" opacity="${n(random(0.25, 0.8))}"/>`
    })
    const coast = ridge(brush, horizon, height * 0.07, 0.35, horizon)
    return (
      sky(brush, horizon / height) +
      sun(brush, x, horizon / height - random(0.06, 0.16)) +
      coast +
      water +
      glints.join('') +
      sail(brush, horizon)
    )
  },

  dunes(brush) {
    const { width, height, random } = brush
    const sand: Colour = [random(24, 38), 62, 60]
    const dunes = Array.from({ length: 5 }, (_, index) => {
      const y = height * (0.5 + index * 0.1)
      const rise = height * random(0.06, 0.16)
      const peak = width * random(0.15, 0.85)
      const lit = shade(sand, 14 - index * 8)
      const crest = `M0 ${n(y + rise * random())} C${n(peak * 0.5)} ${n(y)} ${n(peak * 0.8)} ${n(y - rise)} ${n(peak)} ${n(y - rise)}`
      const lee = `S${n(peak + (width - peak) * 0.6)} ${n(y + rise)} ${width} ${n(y + rise * random(0, 0.6))} V${height} H0 Z`
      const shadow = `M${n(peak)} ${n(y - rise)} S${n(peak + (width - peak) * 0.6)} ${n(y + rise)} ${width} ${n(y + rise * 0.4)} V${height} H${n(peak * 0.7)} Q${n(peak * 1.15)} ${n(y + rise)} ${n(peak)} ${n(y - rise)} Z`
      return `<path d="${crest} ${lee}" fill="${css(lit)}"/><path d="${shadow}" fill="${css(shade([sand[0] - 10, 48, 30], 6 - index * 4))}" opacity="0.75"/>`
    })
    return sky(brush, 0.62) + sun(brush, random(0.15, 0.85), random(0.14, 0.3)) + dunes.join('')
  },

  forest(brush) {
    const { width, height, random, light } = brush
    const rows = Array.from({ length: 4 }, (_, row) => {
      const depth = (row + 1) / 4
      const base = height * (0.5 + depth * 0.42)
      const fill = css(mix(light.haze, light.near, depth))
      const step = width * (0.018 + depth * 0.03)
      const trees: string[] = []
      for (let x = -step; x < width + step; x += step * random(0.5, 1.1)) {
        trees.push(conifer(x, base + random(-0.02, 0.02) * height, height * (0.08 + depth * 0.26) * random(0.6, 1.15)))
      }
      return `<path d="${trees.join('')}M0 ${n(base - height * (0.03 + depth * 0.03))}H${width}V${height}H0Z" fill="${fill}"/>`
    })
    return (
      sky(brush, 0.7) +
      sun(brush, random(0.2, 0.8), random(0.2, 0.4)) +
      ridge(brush, height * 0.46, height * 0.2, 0.1) +
      rows.join('')
    )
  },

  city(brush) {
    const { width, height, random, light } = brush
    const rows = Array.from({ length: 3 }, (_, row) => {
      const depth = (row + 1) / 3
      const fill = css(mix(light.haze, light.near, 0.25 + depth * 0.7))
      const houses: string[] = []
      for (let x = -10; x < width; ) {
        const wide = width * random(0.03, 0.075) * (0.6 + depth * 0.6)
        const tall = height * random(0.14, 0.5) * (1.15 - depth * 0.45)
        houses.push(
          `<rect x="${n(x)}" y="${n(height * 0.92 - tall)}" width="${n(wide + 1)}" height="${n(tall + height)}" fill="${fill}"/>`,
        )
        if (depth > 0.5) houses.push(windows(brush, x, height * 0.92 - tall, wide, tall))
        x += wide * random(1, 1.25)
      }
      return houses.join('')
    })
    const ground = `<rect y="${n(height * 0.92)}" width="${width}" height="${height}" fill="${css(shade(light.near, -3))}"/>`
    return sky(brush, 0.9) + sun(brush, random(0.2, 0.8), random(0.25, 0.6)) + rows.join('') + ground
  },

  aurora(brush) {
    const { width, height, random } = brush
    const stars = Array.from({ length: 260 }, () => {
      const size = random(0.4, 1.7) * (width / 1600)
      return `<circle cx="${n(random(0, width))}" cy="${n(random(0, height * 0.8))}" r="${n(size)}" fill="#fff" opacity="${n(random(0.2, 0.95))}"/>`
    })
    const hue = random(120, 175)
    const curtains = Array.from({ length: 5 }, (_, index) => {
      const y = height * random(0.28, 0.55)
      const rise = height * random(0.18, 0.34)
      const [a, b] = [random(-0.12, 0.12) * height, random(-0.12, 0.12) * height]
      // Beyond both sides, where the blur would show their ends.
      const [left, right] = [n(width * -0.15), n(width * 1.15)]
      const edge = `C${n(width * 0.3)} ${n(y + a)} ${n(width * 0.6)} ${n(y + b)} ${right} ${n(y - a)}`
      const top = `C${n(width * 0.6)} ${n(y + b - rise)} ${n(width * 0.3)} ${n(y + a - rise)} ${left} ${n(y - rise)}`
      const colour: Colour = [hue + index * random(8, 30), 82, 58]
      return `${gradient(`a${index}`, [colour, colour], [0, 0.6])}<path d="M${left} ${n(y)} ${edge} V${n(y - a - rise)} ${top} Z" fill="url(#a${index})" filter="url(#soft)"/>`
    })
    const blur = `<filter id="soft" x="-10%" y="-10%" width="120%" height="120%"><feGaussianBlur stdDeviation="${n(width / 70)}"/></filter>`
    return (
      sky(brush, 1) +
      stars.join('') +
      blur +
      curtains.join('') +
      ridge(brush, height * 0.84, height * 0.16, 0.6) +
      ridge(brush, height * 0.93, height * 0.1, 1)
    )
  },

  meadow(brush) {
    const { width, height, random } = brush
    const hues = [random(0, 360), random(330, 395), random(40, 62)]
    const flowers = Array.from({ length: 700 }, () => random() ** 1.7)
      .sort((one, other) => one - other)
      .map((depth) => {
        const size = width * (0.0015 + depth * 0.011) * random(0.6, 1.2)
        const [x, y] = [random(0, width), height * (0.58 + depth * 0.44)]
        const hue = hues[Math.floor(random(0, hues.length))] ?? 0
        const stem = `<path d="M${n(x)} ${n(y)}v${n(size * 4)}" stroke="${css([105, 45, 22])}" stroke-width="${n(size * 0.3)}"/>`
        return `${stem}<circle cx="${n(x)}" cy="${n(y)}" r="${n(size)}" fill="${css([hue, 78, random(52, 70)])}"/><circle cx="${n(x)}" cy="${n(y)}" r="${n(size * 0.35)}" fill="${css([46, 95, 62])}"/>`
      })
    const grass = `${gradient('grass', [
      [88, 46, 56],
      [104, 50, 26],
    ])}<rect y="${n(height * 0.56)}" width="${width}" height="${height}" fill="url(#grass)"/>`
    return (
      sky(brush, 0.58) +
      sun(brush, random(0.2, 0.8), random(0.15, 0.35)) +
      ridge(brush, height * 0.58, height * 0.12, 0.3) +
      grass +
      flowers.join('')
    )
  },
}

function sky({ width, height, light }: Brush, part: number): string {
  return `${gradient('sky', light.sky)}<rect width="${width}" height="${n(height * part + 2)}" fill="url(#sky)"/>`
}

function sun({ width, height, light }: Brush, x: number, y: number): string {
  const size = Math.min(width, height)
  const place = `cx="${n(x * width)}" cy="${n(y * height)}"`
  const glow = `<radialGradient id="glow"><stop offset="0" stop-color="${css(light.sun)}" stop-opacity="0.85"/><stop offset="1" stop-color="${css(light.sun)}" stop-opacity="0"/></radialGradient>`
  return `${glow}<circle ${place} r="${n(size * 0.5)}" fill="url(#glow)"/><circle ${place} r="${n(size * 0.045)}" fill="${css(shade(light.sun, 6))}"/>`
}

/** `depth` from 0, lost in the haze, to 1, close by. */
function ridge(
  { width, height, random, light }: Brush,
  base: number,
  rise: number,
  depth: number,
  foot = height,
): string {
  let points = [random(-0.4, 0.4), random(-1, -0.2), random(-0.4, 0.4)]
  for (let roughness = 0.5; points.length < 150; roughness *= 0.52) {
    points = points.flatMap((value, index) => {
      const next = points[index + 1]
      return next === undefined ? [value] : [value, (value + next) / 2 + random(-roughness, roughness)]
    })
  }
  const step = width / (points.length - 1)
  const line = points.map((value, index) => `L${n(index * step)} ${n(base + value * rise)}`).join('')
  return `<path d="M0 ${n(foot)}${line}V${n(foot)}Z" fill="${css(mix(light.haze, light.near, depth))}"/>`
}

function conifer(x: number, base: number, tall: number): string {
  const wide = tall * 0.19
  const tiers = [0.3, 0.62, 1].map((part, index) => {
    const [top, low] = [base - tall * (1 - index * 0.26), base - tall * (1 - part * 0.94)]
    return `M${n(x)} ${n(top)}L${n(x + wide * part)} ${n(low)}H${n(x - wide * part)}Z`
  })
  return tiers.join('')
}

function windows({ random, width }: Brush, x: number, y: number, wide: number, tall: number): string {
  const cell = width * 0.009
  const lit: string[] = []
  for (let row = y + cell; row < y + tall - cell; row += cell * 1.5) {
    for (let column = x + cell * 0.7; column < x + wide - cell * 0.6; column += cell) {
      if (random() < 0.4) lit.push(`M${n(column)} ${n(row)}h${n(cell * 0.5)}v${n(cell * 0.7)}h${n(-cell * 0.5)}z`)
    }
  }
  return `<path d="${lit.join('')}" fill="${css([44, 95, 72])}" opacity="0.85"/>`
}

function sail({ width, height, random }: Brush, horizon: number): string {
  const size = height * random(0.05, 0.1)
  const [x, y] = [random(0.15, 0.85) * width, horizon + height * random(0.03, 0.09)]
  const hull = `M${n(x - size * 0.4)} ${n(y)}h${n(size * 0.8)}l${n(-size * 0.15)} ${n(size * 0.15)}h${n(-size * 0.5)}z`
  const cloth = `M${n(x)} ${n(y - size)}V${n(y - size * 0.06)}h${n(size * 0.38)}zM${n(x - size * 0.04)} ${n(y - size * 0.85)}V${n(y - size * 0.06)}h${n(-size * 0.28)}z`
  return `<path d="${hull}" fill="#2b2230"/><path d="${cloth}" fill="#fdf8ee" opacity="0.95"/>`
}

function gradient(id: string, colours: Colour[], opacities: number[] = []): string {
  const stops = colours.map((colour, index) => {
    const offset = index / (colours.length - 1)
    return `<stop offset="${n(offset)}" stop-color="${css(colour)}" stop-opacity="${opacities[index] ?? 1}"/>`
  })
  return `<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops.join('')}</linearGradient>`
}

function mix(one: Colour, other: Colour, part: number): Colour {
  const between = (a: number, b: number) => a + (b - a) * part
  // The short way around the wheel.
  const turn = ((other[0] - one[0] + 540) % 360) - 180
  return [one[0] + turn * part, between(one[1], other[1]), between(one[2], other[2])]
}

function shade([hue, saturation, lightness]: Colour, by: number): Colour {
  return [hue, saturation, Math.min(98, Math.max(2, lightness + by))]
}

function css([hue, saturation, lightness]: Colour): string {
  return `hsl(${n((hue + 360) % 360)},${n(saturation)}%,${n(lightness)}%)`
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** mulberry32, by Tommy Ettinger (public domain): small, and good enough to look at. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1)
  return (from = 0, to = 1) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return from + (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * (to - from)
  }
}
