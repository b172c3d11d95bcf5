import { useState } from 'react';
import type { Import } from '@/api/types';

const keyOf = (id: number) => `postrider.import.${id}.consent`;

/** The words on consent until the server gets them with the start; a reload of the page keeps them. */
export function useConsentDraft(job: Pick<Import, 'id' | 'consent'>): [string, (text: string) => void] {
  const [text, setText] = useState(() => job.consent || read(job.id));
  const change = (next: string) => {
    setText(next);
    write(job.id, next);
  };
  return [text, change];
}

// Storage may be full or switched off; the words then live as long as the page.
function read(id: number): string {
  try {
    return sessionStorage.getItem(keyOf(id)) ?? '';
  } catch {
    return '';
  }
}

function write(id: number, text: string) {
  try {
    sessionStorage.setItem(keyOf(id), text);
  } catch {
    return;
  }
}
