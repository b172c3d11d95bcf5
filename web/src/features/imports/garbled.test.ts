import { describe, expect, it } from 'vitest';
import { uploaded } from '@/test/fixtures';
import { looksGarbled, tellingWords } from './garbled';

describe('looksGarbled', () => {
  it.each([
    ['UTF-8 read as Windows-1252', 'JÃ¼rgen MÃ¼ller'],
    ['UTF-8 read as Windows-1252, a quotation mark', 'Donâ€™t'],
    ['UTF-8 read as Windows-1251', 'РњР°СЂРёСЏ'],
    ['Cyrillic read as Windows-1252', 'Ìàðèÿ'],
    ['western letters read as Windows-1251', 'Mьller'],
    ['a letter that could not be read', 'M\ufffdller'],
  ])('%s', (_, text) => expect(looksGarbled(text)).toBe(true));

  it.each([
    'Jürgen Müller',
    'François Lefèvre',
    'Łódź',
    'Мария Рощина',
    'Ærøskøbing',
    'été',
    'Zoë',
    'Сергей',
    '山田',
    'Plain',
  ])('%s is fine', (text) => expect(looksGarbled(text)).toBe(false));
});

describe('tellingWords', () => {
  it('shows what is beyond a to z', () => {
    expect(tellingWords(uploaded.columns).map(({ word }) => word)).toEqual(['Jürgen Müller', 'Köln']);
  });

  it('shows garbled words first, and not too many', () => {
    const samples = ['Köln', 'Łódź', 'Århus', 'KÃ¶ln', 'Zürich'];
    const words = tellingWords([{ index: 0, header: 'City', samples, suggested: null }], 2);
    expect(words).toEqual([
      { word: 'KÃ¶ln', garbled: true },
      { word: 'Köln', garbled: false },
    ]);
  });
});
