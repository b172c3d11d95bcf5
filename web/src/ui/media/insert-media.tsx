import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconLink, IconPhoto } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { MediaFile } from '@/api/types';
import { MediaBrowser } from './media-browser';

/** Picks a file of the library; what is uploaded meanwhile is picked at once. asLink: text shows no images, only where they are. */
export function InsertMedia({ onPick, asLink = false }: { onPick: (file: MediaFile) => void; asLink?: boolean }) {
  const { t } = useTranslation();
  const [opened, { open, close }] = useDisclosure();
  const pick = (file: MediaFile) => {
    close();
    onPick(file);
  };
  return (
    <>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={asLink ? <IconLink size={15} /> : <IconPhoto size={15} />}
        onClick={open}
      >
        {t(asLink ? 'media.insertLink' : 'media.insertImage')}
      </Button>
      <Modal
        opened={opened}
        onClose={close}
        title={t('media.pick')}
        size={900}
        // The code goes where the caret is, and typing goes on there.
        returnFocus={false}
        closeButtonProps={{ 'aria-label': t('common.close') }}
      >
        <MediaBrowser action="insert" onPick={pick} onUploaded={(files) => files[0] && pick(files[0])} />
      </Modal>
    </>
  );
}
