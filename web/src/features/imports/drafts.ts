import { useState } from 'react';
import type { Import } from '@/api/types';
import { initialMapping, type MappingDraft } from './mapping';

// What was chosen for a file and the server does not have yet. A reload of the page keeps it, and so does a check that is stopped.

const keyOf = (id: number, what: string) => `postrider.import.${id}.${what}`;

/** The words on consent until the server gets them with the start. */
export function useConsentDraft(job: Pick<Import, 'id' | 'consent'>): [string, (text: string) => void] {
  const key = keyOf(job.id, 'consent');
  const [text, setText] = useState(() => job.consent || read(key) || '');
  const change = (next: string) => {
    setText(next);
    write(key, next);
  };
  return [text, change];
}

/** The mapping until it is checked; what was chosen for the file read in another way is forgotten. */
export function useMappingDraft(job: Import): [MappingDraft, (draft: MappingDraft) => void] {
  const key = keyOf(job.id, 'mapping');
  const [draft, setDraft] = useState(() => readMapping(key, job) ?? initialMapping(job));
  const change = (next: MappingDraft) => {
    setDraft(next);
    write(key, JSON.stringify({ of: shapeOf(job), draft: next }));
  };
  return [draft, change];
}

const shapeOf = (job: Import) => JSON.stringify(job.columns);

function readMapping(key: string, job: Import): MappingDraft | null {
  try {
    const stored = JSON.parse(read(key) ?? 'null') as { of: string; draft: MappingDraft } | null;
    return stored?.of === shapeOf(job) ? stored.draft : null;
  } catch {
    return null;
  }
}

// Storage may be full or switched off; a draft then lives as long as the page.
function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, text: string) {
  try {
    sessionStorage.setItem(key, text);
  } catch {
    return;
  }
}
