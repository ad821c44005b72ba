import type { MantineColorsTuple } from '@mantine/core'

/**
 * Lightness of the ten shades, the same for every hue. Because contrast follows lightness, what is readable in one tenant's
 * accent is readable in all of them; `palette.test.ts` holds it.
 */
const LIGHTNESS = [0.977, 0.945, 0.895, 0.82, 0.735, 0.645, 0.565, 0.495, 0.43, 0.365] as const
const CHROMA = [0.12, 0.25, 0.45, 0.68, 0.88, 1, 1, 0.95, 0.82, 0.66] as const

type Hue = { hue: number; chroma: number }

/** Colour names a tenant may choose as its accent, and the four that carry a meaning. */
const HUES = {
  blue: { hue: 259, chroma: 0.19 },
  indigo: { hue: 277, chroma: 0.2 },
  violet: { hue: 293, chroma: 0.21 },
  grape: { hue: 320, chroma: 0.19 },
  pink: { hue: 355, chroma: 0.19 },
  red: { hue: 25, chroma: 0.2 },
  orange: { hue: 47, chroma: 0.15 },
  yellow: { hue: 83, chroma: 0.125 },
  lime: { hue: 128, chroma: 0.15 },
  green: { hue: 152, chroma: 0.14 },
  teal: { hue: 182, chroma: 0.1 },
  cyan: { hue: 220, chroma: 0.11 },
} as const satisfies Record<string, Hue>

export type Accent = keyof typeof HUES

export function isAccent(name: string): name is Accent {
  return Object.hasOwn(HUES, name)
}

export const palettes = Object.fromEntries(
  Object.entries(HUES).map(([name, { hue, chroma }]) => [
    name,
    LIGHTNESS.map((lightness, shade) => oklchToHex(lightness, chroma * (CHROMA[shade] ?? 1), hue)),
  ]),
) as unknown as Record<Accent, MantineColorsTuple>

export const gray: MantineColorsTuple = [
  '#fafafa',
  '#f4f4f5',
  '#e9e9ec',
  '#dcdce0',
  '#c3c3c9',
  '#8f8f98',
  '#63636b',
  '#4a4a52',
  '#2f2f35',
  '#1b1b1f',
]

/** Mantine's ten greys of the dark scheme: 0 is text, 7 the page. */
export const dark: MantineColorsTuple = [
  '#e6e6ea',
  '#c6c6cd',
  '#a2a2ac',
  '#777781',
  '#3a3a42',
  '#2d2d33',
  '#212126',
  '#161619',
  '#101012',
  '#0a0a0b',
]

/** A colour of the OKLCH space as `#rrggbb`; chroma gives way where sRGB has no such colour. */
export function oklchToHex(lightness: number, chroma: number, hueDegrees: number): string {
  const hue = (hueDegrees * Math.PI) / 180
  for (let c = chroma; ; c -= 0.005) {
    const rgb = oklabToLinear(lightness, c * Math.cos(hue), c * Math.sin(hue))
    if (c <= 0 || rgb.every((channel) => channel >= -0.0005 && channel <= 1.0005)) {
      return `#${rgb.map((channel) => toByte(channel).toString(16).padStart(2, '0')).join('')}`
    }
  }
}

/** Contrast of two `#rrggbb` colours as WCAG 2 defines it, from 1 to 21. */
export function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

function oklabToLinear(l: number, a: number, b: number): [number, number, number] {
  const [x, y, z] = [
    (l + 0.3963377774 * a + 0.2158037573 * b) ** 3,
    (l - 0.1055613458 * a - 0.0638541728 * b) ** 3,
    (l - 0.0894841775 * a - 1.291485548 * b) ** 3,
  ]
  return [
    4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z,
    -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z,
    -0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z,
  ]
}

function toByte(linear: number): number {
  const value = Math.min(1, Math.max(0, linear))
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055))
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
