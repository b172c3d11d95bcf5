import type { MailKind, MediaFile, Template } from '@/api/types';

export const kinds = ['html', 'mjml', 'markdown', 'text'] as const satisfies readonly MailKind[];

/** Whether the layout can go around content of the kind: the same language, or HTML around Markdown. */
export function fits(layout: Pick<Template, 'kind'>, kind: MailKind): boolean {
  return layout.kind === kind || (kind === 'markdown' && layout.kind === 'html');
}

/** Whether lines that the server counts in what it has built are lines of what was written. */
export function keepsLines(kind: MailKind, layoutId: number | null): boolean {
  return layoutId === null && (kind === 'html' || kind === 'text');
}

/** What shows the file in a body of the kind: an image, or a link to a document. */
export function mediaCode(
  kind: MailKind,
  file: Pick<MediaFile, 'url' | 'alt' | 'name' | 'width' | 'content_type'>,
): string {
  const document = !file.content_type.startsWith('image/');
  const words = document ? file.alt || file.name : file.alt;
  if (kind === 'text') return words ? `${words}: ${file.url}` : file.url;
  if (kind === 'markdown') return `${document ? '' : '!'}[${escapeMarkdown(words)}](${file.url})`;
  if (document) return `<a href="${escapeAttribute(file.url)}">${escapeText(words)}</a>`;
  // A mail is 600 pixels wide; an image for sharp screens is shown at what fits.
  const width = file.width ? ` width="${Math.min(file.width, WIDEST)}${kind === 'mjml' ? 'px' : ''}"` : '';
  const attributes = `src="${escapeAttribute(file.url)}" alt="${escapeAttribute(words)}"${width}`;
  return kind === 'mjml' ? `<mj-image ${attributes} />` : `<img ${attributes} style="max-width:100%; height:auto">`;
}

const WIDEST = 600;

export function snippetCode(name: string): string {
  // Liquid knows two quotes and no way to escape either.
  return name.includes('"') ? `{% snippet '${name}' %}` : `{% snippet "${name}" %}`;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', '&quot;');
}

function escapeMarkdown(text: string): string {
  return text.replace(/[\\[\]]/g, '\\$&').replace(/\s+/g, ' ');
}
