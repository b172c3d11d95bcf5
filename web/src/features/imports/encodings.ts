import type { TFunction } from 'i18next';

type Script =
  | 'western'
  | 'central'
  | 'cyrillic'
  | 'ukrainian'
  | 'greek'
  | 'turkish'
  | 'baltic'
  | 'nordic'
  | 'hebrew'
  | 'arabic'
  | 'vietnamese'
  | 'japanese'
  | 'korean'
  | 'chinese'
  | 'taiwanese';

/** The encodings that files are read in: the name in the API, the name that people know, and the writing it is for. The usual ones come first. */
const encodings: [name: string, label: string, script?: Script][] = [
  ['utf-8', 'UTF-8'],
  ['utf-8-bom', 'UTF-8 with BOM'],
  ['utf-16le', 'UTF-16 LE'],
  ['utf-16be', 'UTF-16 BE'],
  ['windows-1252', 'Windows-1252', 'western'],
  ['windows-1250', 'Windows-1250', 'central'],
  ['windows-1251', 'Windows-1251', 'cyrillic'],
  ['windows-1253', 'Windows-1253', 'greek'],
  ['windows-1254', 'Windows-1254', 'turkish'],
  ['windows-1255', 'Windows-1255', 'hebrew'],
  ['windows-1256', 'Windows-1256', 'arabic'],
  ['windows-1257', 'Windows-1257', 'baltic'],
  ['windows-1258', 'Windows-1258', 'vietnamese'],
  ['iso-8859-1', 'ISO 8859-1', 'western'],
  ['iso-8859-2', 'ISO 8859-2', 'central'],
  ['iso-8859-5', 'ISO 8859-5', 'cyrillic'],
  ['iso-8859-7', 'ISO 8859-7', 'greek'],
  ['iso-8859-9', 'ISO 8859-9', 'turkish'],
  ['iso-8859-10', 'ISO 8859-10', 'nordic'],
  ['iso-8859-13', 'ISO 8859-13', 'baltic'],
  ['iso-8859-15', 'ISO 8859-15', 'western'],
  ['macintosh', 'Mac Roman', 'western'],
  ['x-mac-cyrillic', 'Mac Cyrillic', 'cyrillic'],
  ['ibm850', 'DOS 850', 'western'],
  ['ibm852', 'DOS 852', 'central'],
  ['ibm866', 'DOS 866', 'cyrillic'],
  ['koi8-r', 'KOI8-R', 'cyrillic'],
  ['koi8-u', 'KOI8-U', 'ukrainian'],
  ['shift_jis', 'Shift JIS', 'japanese'],
  ['euc-jp', 'EUC-JP', 'japanese'],
  ['euc-kr', 'EUC-KR', 'korean'],
  ['gb18030', 'GB 18030', 'chinese'],
  ['big5', 'Big5', 'taiwanese'],
];

/** The encodings that nearly all files are in, to try at one press. */
export const usualEncodings = ['utf-8', 'windows-1252', 'windows-1250', 'windows-1251'];

/** "Windows-1251"; one that is not in the table by the name it came with. */
export function encodingName(encoding: string): string {
  return encodings.find(([name]) => name === encoding)?.[1] ?? encoding;
}

/** "Windows-1251 (Cyrillic)". */
export function encodingLabel(encoding: string, t: TFunction): string {
  const script = encodings.find(([name]) => name === encoding)?.[2];
  return script ? `${encodingName(encoding)} (${t(`imports.scripts.${script}`)})` : encodingName(encoding);
}

/** What to choose from, with the one in use among it in any case. */
export function encodingOptions(current: string, t: TFunction) {
  const names = encodings.map(([name]) => name);
  const all = names.includes(current) ? names : [current, ...names];
  return all.map((value) => ({ value, label: encodingLabel(value, t) }));
}
