import { Button, Group, SegmentedControl, Stack } from '@mantine/core';
import { IconPhoto, IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { type DragEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { MediaFile } from '@/api/types';
import { useCursor } from '@/lib/use-cursor';
import { EmptyState } from '../empty-state';
import { Pager } from '../pager';
import { QueryView } from '../query-view';
import { SearchInput } from '../search-input';
import { filesOf } from './chosen';
import classes from './media.module.css';
import { MediaGrid } from './media-grid';
import { type MediaFilter, mediaQuery } from './queries';
import { useUpload } from './use-upload';

type Props = { action: 'open' | 'insert'; onPick: (file: MediaFile) => void; onUploaded: (files: MediaFile[]) => void };

/** The library: found by words, filled by dropping, pasting or choosing files. */
export function MediaBrowser({ action, onPick, onUploaded }: Props) {
  const { t } = useTranslation();
  const [filter, setFilter] = useState<MediaFilter>({});
  const [over, setOver] = useState(false);
  const cursor = useCursor(JSON.stringify(filter));
  const query = useQuery(mediaQuery(filter, cursor.current));
  const upload = useUpload(onUploaded);
  usePastedFiles(upload.take);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    upload.take(filesOf(event.dataTransfer));
  };
  const button = (
    <Button leftSection={<IconUpload size={16} />} onClick={upload.choose}>
      {t('media.upload')}
    </Button>
  );
  const filtered = Boolean(filter.q || filter.type);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a convenience; the button does the same
    <div
      className={over ? classes.over : undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={drop}
    >
      <Stack>
        <Group justify="space-between" gap="sm">
          <Group gap="sm">
            <SearchInput
              label={t('media.search')}
              value={filter.q ?? ''}
              onChange={(q) => setFilter({ ...filter, q: q || undefined })}
              busy={query.isPlaceholderData}
            />
            <SegmentedControl
              size="xs"
              aria-label={t('media.type')}
              value={filter.type ?? 'all'}
              onChange={(type) => setFilter({ ...filter, type: type === 'all' ? undefined : (type as 'image') })}
              data={[
                { value: 'all', label: t('common.all') },
                { value: 'image', label: t('media.images') },
                { value: 'document', label: t('media.documents') },
              ]}
            />
          </Group>
          {button}
        </Group>
        <QueryView query={query}>
          {(page) =>
            page.items.length === 0 ? (
              <EmptyState
                icon={IconPhoto}
                title={t(filtered ? 'media.nothingFound' : 'media.empty')}
                text={filtered ? undefined : t('media.emptyText')}
              />
            ) : (
              <>
                <MediaGrid files={page.items} onPick={onPick} action={action} />
                <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
              </>
            )
          }
        </QueryView>
      </Stack>
      {upload.dialog}
    </div>
  );
}

// Ctrl+V anywhere on the page; in a text field only what is no text is meant for the library.
function usePastedFiles(take: (files: File[]) => void) {
  const latest = useRef(take);
  useEffect(() => {
    latest.current = take;
  });
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = filesOf(event.clipboardData);
      if (files.length === 0) return;
      event.preventDefault();
      latest.current(files);
    };
    document.addEventListener('paste', paste);
    return () => document.removeEventListener('paste', paste);
  }, []);
}
