import type { ImportColumn } from '@/api/types';

// What letters look like that were read in another encoding than they were written in.

/** Bytes 0x80 to 0xBF as Windows-1252 and Windows-1251 show them: the second byte of a UTF-8 letter. */
const AFTER_1252 = '\\u0080-\\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';
const AFTER_1251 = '\\u0080-\\u00bfЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—™љ›њќћџЎўЈҐЁЄЇІіґёєјЅѕї№';

const signs: RegExp[] = [
  // A letter that could not be read, or a control character that nobody types.
  /[\u0080-\u009f\ufffd]/,
  // UTF-8 read as Windows-1252 ("MÃ¼ller") and as Windows-1251 ("РњРёС€Р°").
  new RegExp(`[ÂÃÄÅâÐÑ][${AFTER_1252}]`),
  new RegExp(`(?:[РС][${AFTER_1251}]){2}`),
  // Western letters read as Cyrillic ("Mьller"), and Cyrillic ones as western ("Ìèøà").
  /[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]/,
  /(?<!\p{L})[À-ÖØ-öø-ÿ]{3,}(?!\p{L})/u,
];

export function looksGarbled(text: string): boolean {
  return signs.some((sign) => sign.test(text));
}

/** Values and headers with letters beyond a to z, garbled ones first: they show at a glance whether the encoding is right. */
export function tellingWords(columns: ImportColumn[], most = 4): { word: string; garbled: boolean }[] {
  const words = columns.flatMap(({ header, samples }) => [header, ...samples]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: anything outside ASCII is meant
  const telling = [...new Set(words)].filter((word) => /[^\x00-\x7f]/.test(word));
  return telling
    .map((word) => ({ word: word.length > 40 ? `${word.slice(0, 40)}…` : word, garbled: looksGarbled(word) }))
    .sort((a, b) => Number(b.garbled) - Number(a.garbled))
    .slice(0, most);
}
