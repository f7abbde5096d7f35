/** Colour arithmetic for the palette's search and its test. Not part of what a browser loads. */

export type RGB = readonly [number, number, number]

/** hex reads "#rrggbb" as sRGB of 0 to 1. */
export function hex(text: string): RGB {
  const m = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text.trim())
  if (!m) throw new Error(`${text} is not #rrggbb`)
  return [1, 2, 3].map((i) => parseInt(m[i]!, 16) / 255) as unknown as RGB
}

const linear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
const toLinear = ([r, g, b]: RGB): RGB => [linear(r), linear(g), linear(b)]

function luminance(c: RGB): number {
  const [r, g, b] = toLinear(c)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** contrast is WCAG 2.2's ratio, 1 to 21. */
export function contrast(a: RGB, b: RGB): number {
  const [x, y] = [luminance(a), luminance(b)]
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
}

export type Vision = 'normal' | 'protan' | 'deuteran' | 'tritan'
export const visions: readonly Vision[] = ['normal', 'protan', 'deuteran', 'tritan']

type Matrix = readonly [RGB, RGB, RGB]

/** Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB. */
const machado: Record<Exclude<Vision, 'normal'>, Matrix> = {
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteran: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
}

const times = (m: Matrix, v: RGB): RGB => m.map((row) => Math.min(1, Math.max(0, row[0] * v[0] + row[1] * v[1] + row[2] * v[2]))) as unknown as RGB

/** lab is CIELAB under D65, as somebody of that vision sees the colour. */
export function lab(c: RGB, vision: Vision = 'normal'): RGB {
  let v = toLinear(c)
  if (vision !== 'normal') v = times(machado[vision], v)
  const [r, g, b] = v
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116)
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b)
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

/** distance is CIE76's difference of two colours in that vision. */
export function distance(a: RGB, b: RGB, vision: Vision = 'normal'): number {
  const [p, q] = [lab(a, vision), lab(b, vision)]
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2])
}

/** apart is the least distance that two colours of one set must have in that vision. */
export const apart: Record<Vision, number> = { normal: 25, protan: 25, deuteran: 25, tritan: 21 }
