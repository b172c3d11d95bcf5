import { type ReactNode, useState } from 'react';
import type { MediaFile } from '@/api/types';
import { ACCEPT } from './chosen';
import { UploadDialog } from './upload-dialog';

/** Choosing files and uploading them, for whatever place takes drops and pastes; the dialog is put on the page. */
export function useUpload(onUploaded: (files: MediaFile[]) => void): {
  take: (files: File[]) => void;
  choose: () => void;
  dialog: ReactNode;
} {
  const [files, setFiles] = useState<File[]>([]);
  const take = (taken: File[]) => {
    // What is pasted while words are being written for others must not take those away.
    if (taken.length > 0) setFiles((waiting) => (waiting.length > 0 ? waiting : taken));
  };
  const choose = () => {
    const input = document.createElement('input');
    input.type = 'file';
    input.multiple = true;
    input.accept = ACCEPT;
    input.onchange = () => take(Array.from(input.files ?? []));
    input.click();
  };
  return {
    take,
    choose,
    dialog: <UploadDialog files={files} onClose={() => setFiles([])} onUploaded={onUploaded} />,
  };
}
