import { describe, expect, it } from 'vitest';
import type { SignUpForm } from '@/api/types';
import { frameSnippet, htmlSnippet, scriptSnippet } from './snippets';

const form: SignUpForm = {
  id: 1,
  slug: 'abc',
  url: 'https://news.example.org/s/abc',
  name: 'F',
  enabled: true,
  language: 'en',
  title: '',
  intro: '',
  button: '',
  consent: '<b>"yes" & more',
  consent_required: true,
  list_ids: [7, 8],
  list_names: ['A <1>', 'B'],
  choose: true,
  fields: [
    { name: 'name', label: '', type: 'text', required: true },
    { name: 'born', label: 'Born "on"', type: 'date', required: false },
    { name: 'vip', label: 'VIP', type: 'boolean', required: false },
  ],
  success_title: '',
  success_text: '',
  redirect_url: '',
  allowed_origins: [],
  max_per_hour: 10,
  double: true,
  created_at: '',
  updated_at: '',
};
const words = { email: 'Email', name: 'Name', button: 'Sign up' };

describe('snippets', () => {
  it('ask for what the form asks, and hold nothing that breaks out', () => {
    const host = document.createElement('div');
    host.innerHTML = htmlSnippet(form, words);
    const names = [...host.querySelectorAll('input')].map((input) => `${input.name} ${input.type} ${input.required}`);
    expect(names).toEqual([
      'email email true',
      'f.name text true',
      'f.born date false',
      'f.vip checkbox false',
      'list checkbox false',
      'list checkbox false',
      'consent checkbox true',
      'website text false',
    ]);
    expect(host.textContent).toContain('<b>"yes" & more');
    expect(host.querySelector('b')).toBeNull();
    expect(host.querySelector('form')?.getAttribute('action')).toBe(form.url);
  });
  it('show the frame by its address', () => {
    const host = document.createElement('div');
    host.innerHTML = frameSnippet({ ...form, title: '"x' }, 'Form');
    expect(host.querySelector('iframe')?.getAttribute('src')).toBe('https://news.example.org/s/abc/embed');
    expect(host.querySelector('iframe')?.title).toBe('"x');
  });
  it('post JSON with a value of each type', () => {
    expect(scriptSnippet(form)).toContain(
      '{"email":"jane.doe@example.com","fields":{"name":"Jane","born":"2000-12-31","vip":true},"lists":[7],"consent":true}',
    );
  });
});
