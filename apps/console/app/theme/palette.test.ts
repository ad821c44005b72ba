import { describe, expect, test } from 'vitest'
import { contrast, dark, gray, oklchToHex, palettes } from './palette.ts'

describe('palettes', () => {
  test('contrast agrees with known pairs', () => {
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5)
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2)
  })

  test('white and black come out of OKLCH as themselves', () => {
    expect(oklchToHex(1, 0, 0)).toBe('#ffffff')
    expect(oklchToHex(0, 0, 0)).toBe('#000000')
  })

  test.each(Object.entries(palettes))('%s is readable wherever the theme puts it', (_, shades) => {
    expect(shades).toHaveLength(10)
    expect(contrast(shades[7], '#ffffff'), 'white on a filled button').toBeGreaterThan(4.5)
    expect(contrast(shades[8], shades[1]), 'text on its own tint').toBeGreaterThan(4.5)
    expect(contrast(shades[7], gray[1]), 'a link on the page').toBeGreaterThan(4.5)
    expect(contrast(shades[3], dark[6]), 'text in the dark').toBeGreaterThan(4.5)
  })

  test('greys are readable', () => {
    expect(contrast(gray[6], gray[1])).toBeGreaterThan(4.5)
    expect(contrast(dark[2], dark[6])).toBeGreaterThan(4.5)
  })
})
