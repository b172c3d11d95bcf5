import { describe, expect, it } from 'vitest';
import { kinds } from './kinds';
import { starter, starterLayout, untouched } from './starter';

describe.each(kinds)('a starter in %s', (kind) => {
  const source = (body: { html: string; text: string }) => body.html + body.text;

  it('has a way to leave, except where the layout has it', () => {
    expect(source(starter(kind))).toContain('{{ unsubscribe_url }}');
    expect(source(starterLayout(kind))).toContain('{{ unsubscribe_url }}');
    expect(source(starter(kind, true))).not.toContain('{{ unsubscribe_url }}');
  });

  it('says hello to the person, and leaves that to the content of a layout', () => {
    expect(source(starter(kind))).toContain('{{ subscriber.name');
    expect(source(starter(kind, true))).toContain('{{ subscriber.name');
    expect(source(starterLayout(kind))).toContain('{% block "main" %}');
    expect(source(starterLayout(kind))).not.toContain('{{ subscriber.name');
  });

  it('is known for what was offered and not written', () => {
    expect(untouched(starter(kind))).toBe(true);
    expect(untouched(starter(kind, true))).toBe(true);
    expect(untouched({ ...starter(kind), text: 'mine' })).toBe(false);
  });
});

it('begins with nothing that only a whole MJML document may hold, when it stands in a layout', () => {
  expect(starter('mjml', true).html).toMatch(/^<mj-section[\s\S]*\n<\/mj-section>\n$/);
});
