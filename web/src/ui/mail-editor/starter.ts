import type { MailKind } from '@/api/types';
import { kinds } from './kinds';

/** A small, sound mail to begin with: one column, readable everywhere, with the unsubscribe link that the law asks for. */
export const starterHtml = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Newsletter</title>
  </head>
  <body style="margin:0; background:#f4f5f7; font-family:Arial, Helvetica, sans-serif; color:#1f2430">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0">
      <tr>
        <td align="center" style="padding:24px 12px">
          <table role="presentation" width="600" cellpadding="0" cellspacing="0" style="max-width:600px; width:100%; background:#ffffff; border-radius:8px">
            <tr>
              <td style="padding:32px; font-size:16px; line-height:1.6">
                <h1 style="margin:0 0 16px; font-size:24px; line-height:1.3">Hello {{ subscriber.name | default: "there" }}</h1>
                <p style="margin:0 0 16px">Write your news here.</p>
                <p style="margin:0"><a href="https://example.com" style="display:inline-block; padding:12px 20px; border-radius:6px; background:#3b5bdb; color:#ffffff; text-decoration:none">Read more</a></p>
              </td>
            </tr>
          </table>
          <p style="margin:16px 0 0; font-size:13px; color:#5b6270">
            <a href="{{ unsubscribe_url }}" style="color:#5b6270">Unsubscribe</a>
          </p>
        </td>
      </tr>
    </table>
  </body>
</html>
`;

const starterMjml = `<mjml>
  <mj-head>
    <mj-title>Newsletter</mj-title>
    <mj-attributes>
      <mj-all font-family="Arial, Helvetica, sans-serif" />
      <mj-text font-size="16px" line-height="1.6" color="#1f2430" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f4f5f7">
    <mj-section background-color="#ffffff" padding="24px 8px">
      <mj-column>
        <mj-text font-size="24px" font-weight="bold">Hello {{ subscriber.name | default: "there" }}</mj-text>
        <mj-text>Write your news here.</mj-text>
        <mj-button href="https://example.com" background-color="#3b5bdb">Read more</mj-button>
      </mj-column>
    </mj-section>
    <mj-section>
      <mj-column>
        <mj-text align="center" font-size="13px" color="#5b6270"><a href="{{ unsubscribe_url }}" style="color:#5b6270">Unsubscribe</a></mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`;

const starterMarkdown = `# Hello {{ subscriber.name | default: "there" }}

Write your news here.

[Read more](https://example.com)

[Unsubscribe]({{ unsubscribe_url }})
`;

const starterText = `Hello {{ subscriber.name | default: "there" }},

write your news here.

Unsubscribe: {{ unsubscribe_url }}
`;

type Body = { html: string; text: string };

/** What a new mail of the kind begins with: the whole of it, or what stands in a layout, which has the frame and the way to leave. */
export function starter(kind: MailKind, inLayout = false): Body {
  if (kind === 'text') return { html: '', text: inLayout ? withoutEnd(starterText) : starterText };
  if (kind === 'markdown') return { html: inLayout ? withoutEnd(starterMarkdown) : starterMarkdown, text: '' };
  const whole = kind === 'mjml' ? starterMjml : starterHtml;
  return { html: inLayout ? `${outdented(news[kind].exec(whole)?.[0] ?? '')}\n` : whole, text: '' };
}

/** The part of a starter that is its news. */
const news = { mjml: /<mj-section background[\s\S]*?<\/mj-section>/, html: /<h1[\s\S]*?(?=\n +<\/td>)/ };

function withoutEnd(text: string): string {
  return text.replace(/\n.*unsubscribe_url.*\n$/, '');
}

function outdented(text: string): string {
  const indent = /\n( +)[^ \n][^\n]*$/.exec(text)?.[1] ?? '';
  return text.replaceAll(`\n${indent}`, '\n');
}

/** What a new layout of the kind begins with: the starter, with a place for content where its news would stand. */
export function starterLayout(kind: MailKind): Body {
  const main = '{% block "main" %}{% endblock %}';
  if (kind === 'text') return { html: '', text: `${main}\n\n-- \nUnsubscribe: {{ unsubscribe_url }}\n` };
  if (kind === 'markdown') return { html: `${main}\n\n[Unsubscribe]({{ unsubscribe_url }})\n`, text: '' };
  if (kind === 'mjml') {
    return { html: starterMjml.replace(news.mjml, main), text: '' };
  }
  return { html: starterHtml.replace(news.html, main), text: '' };
}

/** Whether a body is one that was offered and not written. */
export function untouched({ html, text }: Body): boolean {
  return kinds.some((kind) =>
    [starter(kind), starter(kind, true), starterLayout(kind), { html: '', text: '' }].some(
      (one) => one.html === html && one.text === text,
    ),
  );
}
