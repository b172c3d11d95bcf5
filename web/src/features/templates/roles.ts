import type { Template, TemplateRole } from '@/api/types';

export const roles = ['content', 'layout', 'snippet'] as const satisfies readonly TemplateRole[];

export function roleOf(text: string | undefined): TemplateRole {
  return roles.find((role) => role === text) ?? 'content';
}

/** The templates that have a layout around them or a snippet in them, of all that there are. */
export function usedBy(one: Template, all: Template[]): Template[] {
  if (one.role === 'layout') return all.filter((other) => other.layout_id === one.id);
  if (one.role === 'content') return [];
  const name = one.name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // The server looks snippets up in whatever case.
  const tag = new RegExp(`\\{%-?\\s*snippet\\s+(["'])${name}\\1`, 'i');
  return all.filter(
    (other) =>
      other.id !== one.id && [other.subject, other.preheader, other.html, other.text].some((part) => tag.test(part)),
  );
}
