import { Badge, Button, Drawer, Group, Select, Stack, Text, UnstyledButton } from '@mantine/core';
import { IconArrowBackUp, IconChevronLeft } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Template, TemplateVersion } from '@/api/types';
import { formatDateTime } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import { useCursor } from '@/lib/use-cursor';
import { confirmAction } from '@/ui/confirm';
import { rerender } from '@/ui/mail-editor/queries';
import { notifyError, notifySuccess } from '@/ui/notify';
import { Pager } from '@/ui/pager';
import { QueryView } from '@/ui/query-view';
import { RelativeTime } from '@/ui/relative-time';
import { DiffView } from './diff-view';
import { diffQuery, restoreVersion, templateQuery, versionsQuery } from './queries';
import classes from './versions-drawer.module.css';

type Props = {
  template: Template;
  /** Restoring would take away what is written and not saved. */
  dirty: boolean;
  opened: boolean;
  onClose: () => void;
  onRestored: (template: Template) => void;
};

/** Who saved what and when, what changed with each, and the way back. */
export function VersionsDrawer({ template, dirty, opened, onClose, onRestored }: Props) {
  const { t } = useTranslation();
  const [shown, setShown] = useState<TemplateVersion | null>(null);
  const close = () => {
    setShown(null);
    onClose();
  };
  return (
    <Drawer
      opened={opened}
      onClose={close}
      position="right"
      size={shown ? '80rem' : 'md'}
      title={shown ? t('templates.versions.one', { version: shown.version }) : t('templates.versions.title')}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {shown ? (
        <Version
          key={shown.version}
          template={template}
          version={shown}
          dirty={dirty}
          onBack={() => setShown(null)}
          onRestored={(restored) => {
            close();
            onRestored(restored);
          }}
        />
      ) : (
        <Versions template={template} onShow={setShown} />
      )}
    </Drawer>
  );
}

function Versions({ template, onShow }: { template: Template; onShow: (version: TemplateVersion) => void }) {
  const { t } = useTranslation();
  const cursor = useCursor('');
  const query = useQuery(versionsQuery(template.id, cursor.current));
  return (
    <QueryView query={query}>
      {(page) => (
        <>
          <ul className={classes.list} aria-label={t('templates.versions.title')}>
            {page.items.map((version) => (
              <li key={version.version}>
                <UnstyledButton
                  className={classes.version}
                  aria-label={t('templates.versions.open', { version: version.version })}
                  onClick={() => onShow(version)}
                >
                  <Group justify="space-between" gap="xs">
                    <Group gap="xs">
                      <Text fw={600}>{t('templates.versions.one', { version: version.version })}</Text>
                      {version.version === template.version && (
                        <Badge variant="default">{t('templates.versions.current')}</Badge>
                      )}
                    </Group>
                    <Text size="sm" c="dimmed">
                      <RelativeTime at={version.at} />
                    </Text>
                  </Group>
                  <Text size="sm" c="dimmed">
                    {version.author || t('templates.versions.nobody')}
                  </Text>
                  {version.note && <Text size="sm">{version.note}</Text>}
                </UnstyledButton>
              </li>
            ))}
          </ul>
          <Pager cursor={cursor} next={page.next_cursor} shown={page.items.length} total={page.total} />
        </>
      )}
    </QueryView>
  );
}

type VersionProps = {
  template: Template;
  version: TemplateVersion;
  dirty: boolean;
  onBack: () => void;
  onRestored: (template: Template) => void;
};

/** What a version changed, or what going back to it would change. */
function Version({ template, version, dirty, onBack, onRestored }: VersionProps) {
  const { t } = useTranslation();
  const timeZone = useTimeZone();
  const queryClient = useQueryClient();
  const [against, setAgainst] = useState<'before' | 'current'>('before');
  const current = version.version === template.version;
  const query = useQuery(
    against === 'before'
      ? diffQuery(template.id, version.version)
      : diffQuery(template.id, template.version, version.version),
  );
  const restore = useMutation({
    mutationFn: () => restoreVersion({ id: template.id, version: version.version }),
    onSuccess: (restored) => {
      queryClient.setQueryData(templateQuery(template.id).queryKey, restored);
      void queryClient.invalidateQueries({ queryKey: ['templates'] });
      void rerender(queryClient);
      notifySuccess(t('templates.versions.restored', { version: version.version }));
      onRestored(restored);
    },
    onError: notifyError,
  });
  return (
    <Stack>
      <Group justify="space-between">
        <Button variant="default" size="xs" leftSection={<IconChevronLeft size={15} />} onClick={onBack}>
          {t('templates.versions.all')}
        </Button>
        {!current && (
          <Button
            size="xs"
            leftSection={<IconArrowBackUp size={15} />}
            loading={restore.isPending}
            onClick={() =>
              confirmAction({
                title: t('templates.versions.restoreTitle', { version: version.version }),
                body: t(dirty ? 'templates.versions.restoreDirty' : 'templates.versions.restoreText'),
                confirm: t('templates.versions.restore'),
                danger: dirty,
                onConfirm: () => restore.mutate(),
              })
            }
          >
            {t('templates.versions.restore')}
          </Button>
        )}
      </Group>
      <Text size="sm">
        {t('templates.versions.by', {
          author: version.author || t('templates.versions.nobody'),
          at: formatDateTime(version.at, timeZone),
        })}
        {version.note && ` · ${version.note}`}
      </Text>
      {!current && (
        <Select
          size="xs"
          label={t('templates.versions.compare')}
          value={against}
          onChange={(value) => setAgainst(value === 'current' ? 'current' : 'before')}
          allowDeselect={false}
          data={[
            { value: 'before', label: t('templates.versions.before') },
            { value: 'current', label: t('templates.versions.since') },
          ]}
          maw={360}
        />
      )}
      <QueryView query={query}>{(diff) => <DiffView diff={diff} />}</QueryView>
    </Stack>
  );
}
