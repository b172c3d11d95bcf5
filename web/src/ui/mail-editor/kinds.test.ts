import { describe, expect, it } from 'vitest';
import { fits, keepsLines, mediaCode, snippetCode } from './kinds';

const photo = {
  url: 'https://news.example/m/1/beach.jpg',
  alt: 'A "wide" [beach] & sea',
  name: 'beach.jpg',
  width: 1200,
  content_type: 'image/jpeg',
} as const;
const paper = { ...photo, alt: '', name: 'rules <1>.pdf', width: null, content_type: 'application/pdf' } as const;

describe('the code of an image', () => {
  it('is in the language of the body, with its words escaped', () => {
    expect(mediaCode('html', photo)).toBe(
      '<img src="https://news.example/m/1/beach.jpg" alt="A &quot;wide&quot; [beach] &amp; sea" width="600" style="max-width:100%; height:auto">',
    );
    expect(mediaCode('mjml', photo)).toBe(
      '<mj-image src="https://news.example/m/1/beach.jpg" alt="A &quot;wide&quot; [beach] &amp; sea" width="600px" />',
    );
    expect(mediaCode('markdown', photo)).toBe('![A "wide" \\[beach\\] & sea](https://news.example/m/1/beach.jpg)');
    expect(mediaCode('text', photo)).toBe('A "wide" [beach] & sea: https://news.example/m/1/beach.jpg');
  });

  it('keeps an empty alternative text, which says that the image is decoration', () => {
    expect(mediaCode('html', { ...photo, alt: '', width: 40 })).toContain('alt="" width="40"');
  });

  it('is a link for a document, with its name for want of words', () => {
    expect(mediaCode('html', paper)).toBe('<a href="https://news.example/m/1/beach.jpg">rules &lt;1&gt;.pdf</a>');
    expect(mediaCode('markdown', paper)).toBe('[rules <1>.pdf](https://news.example/m/1/beach.jpg)');
  });
});

it('names a snippet in the quotes that its name leaves free', () => {
  expect(snippetCode('footer')).toBe('{% snippet "footer" %}');
  expect(snippetCode('the "small" one')).toBe(`{% snippet 'the "small" one' %}`);
});

it('offers layouts of the same language, and HTML around Markdown', () => {
  expect(fits({ kind: 'html' }, 'markdown')).toBe(true);
  expect(fits({ kind: 'markdown' }, 'html')).toBe(false);
  expect(fits({ kind: 'mjml' }, 'mjml')).toBe(true);
  expect(fits({ kind: 'html' }, 'mjml')).toBe(false);
});

it('trusts lines of warnings only where nothing is built around or out of the source', () => {
  expect(keepsLines('html', null)).toBe(true);
  expect(keepsLines('html', 3)).toBe(false);
  expect(keepsLines('mjml', null)).toBe(false);
});
