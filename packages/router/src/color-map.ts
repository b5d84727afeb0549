/** Red, green and blue, integers in [0, 255]. */
export type Rgb = readonly [red: number, green: number, blue: number];

const LIGHTNESS = { from: 0.25, to: 0.93 };
const HUE_DEGREES = { from: 275, to: 460 };
const CHROMA = 0.135;

/**
 * Colour of a score: from deep blue (0, predicted) over magenta to yellow (1, computed).
 *
 * A helix of constant chroma in OKLab (Ottosson 2020), lightness and hue linear in the score, so equal differences of
 * score look equally large everywhere and lightness alone tells the order. All of it lies inside sRGB.
 *
 * @param score clamped to [0, 1].
 */
export function scoreColor(score: number): Rgb {
  const t = Math.min(1, Math.max(0, score));
  const lightness = LIGHTNESS.from + t * (LIGHTNESS.to - LIGHTNESS.from);
  const hue = ((HUE_DEGREES.from + t * (HUE_DEGREES.to - HUE_DEGREES.from)) * Math.PI) / 180;
  return oklabToRgb(lightness, CHROMA * Math.cos(hue), CHROMA * Math.sin(hue));
}

/** `#rrggbb`. */
export function toHex(color: Rgb): string {
  return `#${color.map((channel) => channel.toString(16).padStart(2, '0')).join('')}`;
}

/** Ottosson, "A perceptual color space for image processing" (2020): OKLab to linear sRGB, then the sRGB curve. */
function oklabToRgb(lightness: number, a: number, b: number): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encode(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encode(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encode(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** A linear channel in [0, 1] as an sRGB byte (IEC 61966-2-1). */
function encode(linear: number): number {
  const clamped = Math.min(1, Math.max(0, linear));
  const curved = clamped <= 0.0031308 ? 12.92 * clamped : 1.055 * clamped ** (1 / 2.4) - 0.055;
  return Math.round(255 * curved);
}
