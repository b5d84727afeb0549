import { type LongCallOptions, type ProgressTracker, trackProgress } from '@harmonica/core';
import type { DownloadProgress } from '@harmonica/weights';

/** What loaders of weights take: they tell of tensors, one by one. */
export function loaderOptions({ onProgress, signal }: LongCallOptions) {
  let tracker: ProgressTracker | undefined;
  return {
    ...(onProgress && {
      onProgress({ loaded, total }: { readonly loaded: number; readonly total: number }) {
        if (loaded === 1) tracker = trackProgress({ label: 'loading', total, onProgress });
        tracker?.set(loaded);
      },
    }),
    ...(signal && { signal }),
  };
}

/** What `openModel` takes: it tells of files and their bytes. */
export function downloadOptions({ onProgress, signal }: LongCallOptions) {
  let tracker: ProgressTracker | undefined;
  let current = '';
  return {
    ...(onProgress && {
      onProgress({ file, loadedBytes, totalBytes }: DownloadProgress) {
        if (file !== current) {
          const label = `downloading ${file}, MiB`;
          tracker = trackProgress({ label, total: mebibytes(totalBytes), onProgress });
        }
        current = file;
        tracker?.set(mebibytes(loadedBytes));
      },
    }),
    ...(signal && { signal }),
  };
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
