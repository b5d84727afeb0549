/** Options of {@link svgToPng}. */
export interface SvgToPngOptions {
  readonly svg: string;
  /** Pixels per CSS pixel of the document. Default 2, for sharp text. */
  readonly scale?: number;
}

const FONT_FAMILY = 'Inter';

/**
 * An SVG document as a PNG file. All text is set in Inter, whatever fonts the machine has, so that a picture is the same
 * everywhere. The renderer and the font, 3 MB, are read from their packages when the first picture is wanted: this needs
 * Node.
 */
export async function svgToPng({ svg, scale = 2 }: SvgToPngOptions): Promise<Uint8Array> {
  const { Resvg, font } = await loadRenderer();
  const document = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: { fontBuffers: [font], defaultFontFamily: FONT_FAMILY, sansSerifFamily: FONT_FAMILY },
  });
  const image = document.render();
  try {
    return image.asPng();
  } finally {
    image.free();
    document.free();
  }
}

type Renderer = Pick<typeof import('@resvg/resvg-wasm'), 'Resvg'> & { readonly font: Uint8Array };

let renderer: Promise<Renderer> | undefined;

function loadRenderer(): Promise<Renderer> {
  renderer ??= readRenderer();
  return renderer;
}

async function readRenderer(): Promise<Renderer> {
  const [{ Resvg, initWasm }, { readFile }] = await Promise.all([
    import('@resvg/resvg-wasm'),
    import('node:fs/promises'),
  ]);
  const [wasm, font] = await Promise.all(
    [
      import.meta.resolve('@resvg/resvg-wasm/index_bg.wasm'),
      import.meta.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf'),
    ].map((url) => readFile(new URL(url))),
  );
  await initWasm(wasm as Uint8Array<ArrayBuffer>);
  return { Resvg, font: font as Uint8Array };
}
