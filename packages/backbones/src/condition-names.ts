/** Name of the conditioning input that holds class labels, int32. */
export const LABELS = 'labels';

/** Name of the conditioning input that holds the embeddings of a caption's tokens. */
export const CAPTION = 'caption';

/** Name of the conditioning input that is 1 for tokens of the caption and 0 for padding, int32. */
export const CAPTION_MASK = 'captionMask';

/** Name of the conditioning input that holds height and width of the image in pixels. */
export const RESOLUTION = 'resolution';

/** Name of the conditioning input that holds the image's height divided by its width. */
export const ASPECT_RATIO = 'aspectRatio';
