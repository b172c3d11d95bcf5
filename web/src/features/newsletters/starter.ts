import { starterHtml } from '@/ui/mail-editor/starter';

const feedPart = `{% for item in feed.items %}
                <h2 style="margin:24px 0 4px; font-size:18px; line-height:1.35"><a href="{{ item.url }}" style="color:#3b5bdb; text-decoration:none">{{ item.title }}</a></h2>
                {% if item.published %}<p style="margin:0 0 6px; font-size:13px; color:#5b6270">{{ item.published | date: "%-d %B %Y" }}</p>{% endif %}
                <p style="margin:0">{{ item.summary }}</p>
                {% endfor %}`;
const jsonPart = '<p style="margin:0 0 16px">{{ data.title }}</p>';

/** A template to begin with, by what an issue is made of. */
export function starterFor(kind: 'draft' | 'feed' | 'json'): { subject: string; html: string } {
  if (kind === 'draft') return { subject: '', html: starterHtml };
  const from = starterHtml.indexOf('<p style="margin:0 0 16px">Write');
  const to = starterHtml.indexOf('</td>', from);
  const part = kind === 'feed' ? feedPart : jsonPart;
  return {
    subject: '{{ issue.newsletter }}, {{ issue.date }}',
    html: `${starterHtml.slice(0, from)}${part}\n              ${starterHtml.slice(to)}`,
  };
}
