import { expect, it } from 'vitest';
import { lineOfItsOwn } from './own-line';

const URL = 'https://news.example/m/1/beach.jpg';
function put(source: string) {
  const caret = source.indexOf('|');
  const plain = source.replace('|', '');
  const { at, insert } = lineOfItsOwn(plain, caret, URL);
  return plain.slice(0, at) + insert + plain.slice(at);
}

it.each([
  ['an empty text', '|', URL],
  ['a text in which nobody has clicked yet', '|Hello Ada,\nnews', `Hello Ada,\n${URL}\nnews`],
  ['the middle of a word', 'Hel|lo Ada,\nnews', `Hello Ada,\n${URL}\nnews`],
  ['an empty line', 'Hello,\n|\nnews', `Hello,\n${URL}\nnews`],
  ['the end', 'Hello,\nnews|', `Hello,\nnews\n${URL}`],
])('touches no word in %s', (_, source, result) => expect(put(source)).toBe(result));
