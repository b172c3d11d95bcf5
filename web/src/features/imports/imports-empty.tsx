import { Box, Button, Group, Text, ThemeIcon } from '@mantine/core';
import { IconArrowBackUp, IconDownload, IconFileImport, IconListCheck, IconUpload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { LinkButton } from '@/ui/link';
import classes from './imports-empty.module.css';

const lessons = [
  { key: 'upload', icon: IconUpload },
  { key: 'check', icon: IconListCheck },
  { key: 'undo', icon: IconArrowBackUp },
] as const;

/** What an import is like, before there is one. */
export function ImportsEmpty() {
  const { t } = useTranslation();
  return (
    <Box p="xl" maw={860} mx="auto" ta="center">
      <ThemeIcon size={48} radius="xl" variant="light" aria-hidden>
        <IconFileImport size={24} stroke={1.6} />
      </ThemeIcon>
      <Text fw={600} size="lg" mt="sm">
        {t('imports.empty')}
      </Text>
      <ul className={classes.lessons}>
        {lessons.map(({ key, icon: IconOf }) => (
          <li key={key} className={classes.lesson}>
            <Group gap={8} mb={4} wrap="nowrap">
              <IconOf size={18} stroke={1.7} color="var(--app-info)" style={{ flexShrink: 0 }} aria-hidden />
              <Text fw={600}>{t(`imports.teach.${key}`)}</Text>
            </Group>
            <Text size="sm" c="dimmed">
              {t(`imports.teach.${key}Text`)}
            </Text>
          </li>
        ))}
      </ul>
      <Group justify="center" gap="sm">
        <LinkButton to="/imports/new">{t('imports.new')}</LinkButton>
        <Button
          component="a"
          href={sample()}
          download="people.csv"
          variant="default"
          leftSection={<IconDownload size={16} />}
        >
          {t('imports.sample')}
        </Button>
      </Group>
    </Box>
  );
}

/** A small file as it could be, to look at or to try out. */
function sample(): string {
  const rows = [
    'Email,Name,City,Birthday',
    'ada@example.org,Ada Lovelace,London,1815-12-10',
    'grace@example.org,Grace Hopper,New York,1906-12-09',
  ];
  return `data:text/csv;charset=utf-8,${encodeURIComponent(`${rows.join('\r\n')}\r\n`)}`;
}
