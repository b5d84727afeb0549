import { z } from 'zod';
import { assertCompatible } from '../schedule/compatibility.js';
import { parseCacheDocument } from '../schedule/readable-json.js';
import { toSchedule } from '../schedule/schedule.js';
import { cachingMethod, fileName, predicting, readText, refuse } from './method.js';
import { formatSettings } from './text-form.js';

/** A router or schedule file, or whatever else the reader of files knows by its name. */
export const scheduleFile = /* @__PURE__ */ cachingMethod({
  name: 'schedule',
  summary: 'a router or schedule file',
  settings: () => ({
    file: fileName(),
    /** Score above which a router computes a branch. Default: the router's own. */
    threshold: z.number().exactOptional(),
    // Default: what the file says.
    ...predicting(),
  }),
  firstSetting: 'file',
  async make({ file, threshold, predictor }, context) {
    const document = parseCacheDocument(await readText(file, context), file);
    assertCompatible(document, context);
    if (document.kind !== 'router') refuse({ threshold }, 'a schedule', 'router');
    const schedule =
      document.kind === 'router'
        ? toSchedule(document, threshold === undefined ? {} : { threshold })
        : document;
    return predictor ? { ...schedule, predictor } : schedule;
  },
  origin: async ({ file }, read) => parseCacheDocument(await read(file), file),
  title(settings) {
    const file = settings.file.replace(/^.*[\\/]/s, '').replace(/\.json$/, '');
    const { threshold, predictor } = settings;
    const isPlain = threshold === undefined && predictor === undefined;
    return isPlain
      ? file
      : formatSettings({ name: 'schedule', firstSetting: 'file' }, { ...settings, file });
  },
});
