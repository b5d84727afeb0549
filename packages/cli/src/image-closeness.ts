import { meanPsnr, meanSsim, type PixelImage } from '@harmonica/metrics';

/** How close images are to their references, pair by pair. */
export interface ImageCloseness {
  /** Mean over the pairs that differ, in dB; infinite if none does. */
  readonly psnrDb: number;
  readonly ssim: number;
}

/** Options of {@link imageCloseness}. */
export interface ImageClosenessOptions {
  readonly images: readonly PixelImage[];
  /** One for each image. */
  readonly references: readonly PixelImage[];
}

/** Mean PSNR and SSIM over pairs of 8-bit images. */
export function imageCloseness(options: ImageClosenessOptions): ImageCloseness {
  return { psnrDb: meanPsnr(options).meanDb, ssim: meanSsim(options).mean };
}
