import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MediaFile } from '@/api/types';
import { MediaBrowser } from '@/ui/media/media-browser';
import { notifySuccess } from '@/ui/notify';
import { PageHeader } from '@/ui/page-header';
import { FileDrawer } from './file-drawer';

export function MediaPage() {
  const { t } = useTranslation();
  const [open, setOpen] = useState<MediaFile | null>(null);
  return (
    <>
      <PageHeader title={t('nav.media')} description={t('media.text')} />
      <MediaBrowser
        action="open"
        onPick={setOpen}
        onUploaded={(files) => notifySuccess(t('media.uploaded', { count: files.length }))}
      />
      <FileDrawer file={open} onClose={() => setOpen(null)} onSaved={setOpen} />
    </>
  );
}
