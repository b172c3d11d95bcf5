import type { SignUpForm } from '@/api/types';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const quoted = (text: string) => text.replace(/[&<>"]/g, (char) => entities[char] ?? char);

/** A form in plain HTML that posts to us from any page. The hidden field is for robots. */
export function htmlSnippet(form: SignUpForm, words: { email: string; name: string; button: string }): string {
  const lines = [`<form method="post" action="${quoted(form.url)}">`];
  lines.push(
    `  <p><label>${quoted(words.email)}<br><input type="email" name="email" autocomplete="email" required maxlength="254"></label></p>`,
  );
  for (const field of form.fields) {
    const title = quoted(field.label || (field.name === 'name' ? words.name : field.name));
    const required = field.required ? ' required' : '';
    const name = quoted(`f.${field.name}`);
    if (field.type === 'boolean') {
      lines.push(`  <p><label><input type="checkbox" name="${name}" value="true"${required}> ${title}</label></p>`);
    } else {
      const type = field.type === 'date' ? 'date' : 'text';
      lines.push(
        `  <p><label>${title}<br><input type="${type}" name="${name}" maxlength="500"${required}></label></p>`,
      );
    }
  }
  if (form.choose) {
    form.list_ids.forEach((id, index) => {
      lines.push(
        `  <p><label><input type="checkbox" name="list" value="${id}"> ${quoted(form.list_names[index] ?? '')}</label></p>`,
      );
    });
  }
  if (form.consent && form.consent_required) {
    lines.push(
      `  <p><label><input type="checkbox" name="consent" value="1" required> ${quoted(form.consent)}</label></p>`,
    );
  } else if (form.consent) {
    lines.push(`  <p>${quoted(form.consent)}</p>`);
  }
  lines.push(
    '  <p aria-hidden="true" style="position:absolute;left:-10000px"><input name="website" tabindex="-1" autocomplete="off"></p>',
    `  <p><button type="submit">${quoted(form.button || words.button)}</button></p>`,
    '</form>',
  );
  return lines.join('\n');
}

export const frameSnippet = (form: SignUpForm, title: string): string =>
  `<iframe src="${quoted(form.url)}/embed" title="${quoted(form.title || title)}" style="width:100%;height:${360 + 90 * form.fields.length}px;border:0"></iframe>`;

export function scriptSnippet(form: SignUpForm): string {
  const body: Record<string, unknown> = { email: 'jane.doe@example.com' };
  if (form.fields.length > 0) {
    const samples = { text: 'Jane', number: 1, boolean: true, date: '2000-12-31' };
    body.fields = Object.fromEntries(form.fields.map((field) => [field.name, samples[field.type]]));
  }
  if (form.choose) body.lists = form.list_ids.slice(0, 1);
  if (form.consent_required) body.consent = true;
  return `await fetch('${form.url}.json', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(${JSON.stringify(body)}),
});`;
}
