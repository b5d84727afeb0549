export { type EmojiDitConfig, emojiDitConfig } from './emoji-dit-config.js';
export {
  type EmojiDit,
  type EmojiDitProgress,
  type LoadEmojiDitOptions,
  loadEmojiDit,
} from './load-emoji-dit.js';
export { emojiDitRouter, findRouter, listRouters, type ShippedRouter } from './routers.js';
