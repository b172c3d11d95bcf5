import { Button, Collapse, Group, Paper, Select, Stack, Switch, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAdjustments, IconAlertTriangle, IconFileSpreadsheet, IconFileText } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Import, ImportFormat, ImportFormatInput } from '@/api/types';
import { FormAlert } from '@/ui/form-alert';
import { tellingWords } from './garbled';
import classes from './import-format.module.css';
import { changeFormat, encodingsQuery, importQuery } from './queries';

const delimiters = [',', ';', '\t', '|'] as const;
const delimiterKeys = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' } as const;

/** The encodings that nearly all files are in, to try at one press. */
const usualEncodings = ['utf-8', 'windows-1252', 'windows-1250', 'windows-1251'];

/** How the file was read in one sentence, the words that show whether it is right, and the way to correct it. */
export function ImportFormatCard({ job }: { job: Import }) {
  const { t } = useTranslation();
  const [opened, { toggle }] = useDisclosure();
  const id = useId();
  const words = tellingWords(job.columns);
  const change = useFormatChange(job);
  const encodings = useEncodings();
  const garbled = job.format.kind === 'csv' && words.some((word) => word.garbled);
  const FileIcon = job.format.kind === 'xlsx' ? IconFileSpreadsheet : IconFileText;
  return (
    <Paper p="md" component="section" aria-label={t('imports.format.title')}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <Group gap="sm" wrap="nowrap" align="flex-start" flex={1} miw={240}>
          <FileIcon size={22} stroke={1.6} style={{ flexShrink: 0 }} aria-hidden />
          <div>
            <Text role="status">{formatSentence(job, encodings.label(job.format.encoding), t)}</Text>
            {words.length > 0 && (
              <Text size="sm" c="dimmed" component="div" mt={4}>
                <Group gap={8}>
                  <span>{t('imports.format.letters')}</span>
                  <span className={classes.words}>
                    {words.map(({ word, garbled: wrong }) => (
                      <span key={word} className={classes.word} data-garbled={wrong || undefined}>
                        {word}
                      </span>
                    ))}
                  </span>
                </Group>
              </Text>
            )}
            {garbled && (
              <>
                <Group gap={6} mt={8} c="var(--app-warn)" wrap="nowrap" align="flex-start" role="alert">
                  <IconAlertTriangle size={16} style={{ flexShrink: 0, marginTop: 3 }} aria-hidden />
                  <Text fw={550}>{t('imports.format.garbled')}</Text>
                </Group>
                <Group gap={6} mt={8}>
                  {usualEncodings
                    .filter((encoding) => encoding !== change.shown.encoding)
                    .map((encoding) => (
                      <Button
                        key={encoding}
                        size="compact-sm"
                        variant="default"
                        disabled={change.pending}
                        onClick={() => change.set({ encoding })}
                      >
                        {t('imports.format.try', { encoding: encodings.label(encoding) })}
                      </Button>
                    ))}
                </Group>
              </>
            )}
          </div>
        </Group>
        <Button
          variant="default"
          size="xs"
          leftSection={<IconAdjustments size={15} />}
          aria-expanded={opened}
          aria-controls={id}
          onClick={toggle}
        >
          {t('imports.format.notRight')}
        </Button>
      </Group>
      <Collapse expanded={opened} id={id}>
        <FormatForm format={job.format} change={change} encodings={encodings} />
      </Collapse>
    </Paper>
  );
}

/** Encodings as the server calls them; by their bare names until it has said so. */
function useEncodings() {
  const all = useQuery(encodingsQuery).data?.items ?? [];
  return {
    label: (name: string) => all.find((one) => one.name === name)?.label ?? name,
    /** What to choose from, with the one in use among it in any case. */
    options: (current: string) => {
      const known = all.map(({ name, label }) => ({ value: name, label }));
      return known.some(({ value }) => value === current) ? known : [{ value: current, label: current }, ...known];
    },
  };
}

function formatSentence({ format, columns }: Import, encoding: string, t: TFunction): string {
  const parts = {
    columns: t('imports.format.columns', { count: columns.length }),
    header: t(format.has_header ? 'imports.format.header' : 'imports.format.noHeader'),
  };
  const sentence =
    format.kind === 'xlsx'
      ? t('imports.format.excel', { ...parts, sheet: format.sheet })
      : t('imports.format.text', {
          ...parts,
          encoding,
          delimiter: delimiterName(format.delimiter, t),
        });
  return format.compression ? `${sentence} ${t('imports.format.compressed')}` : sentence;
}

function delimiterName(delimiter: string, t: TFunction): string {
  const known = delimiters.find((one) => one === delimiter);
  return known ? t(`imports.delimiter.${delimiterKeys[known]}`) : `“${delimiter}”`;
}

type FormatChange = ReturnType<typeof useFormatChange>;

/** Has the file read in another way. What was just chosen is shown at once; the server's answer, or what was before, follows. */
function useFormatChange(job: Import) {
  const queryClient = useQueryClient();
  const [sent, setSent] = useState<ImportFormatInput | null>(null);
  const save = useMutation({
    mutationFn: (next: ImportFormatInput) => changeFormat({ id: job.id, format: next }),
    onSuccess: (saved) => queryClient.setQueryData(importQuery(job.id).queryKey, saved),
    onSettled: () => setSent(null),
  });
  const shown = { ...job.format, ...sent };
  const set = (part: ImportFormatInput) => {
    setSent({ ...sent, ...part });
    save.mutate(part);
  };
  return { shown, set, pending: save.isPending, error: save.error };
}

type FormProps = { format: ImportFormat; change: FormatChange; encodings: ReturnType<typeof useEncodings> };

function FormatForm({ format, change: { shown, set, pending, error }, encodings }: FormProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" pt="md">
      <div className={classes.form}>
        {format.kind === 'xlsx' ? (
          <Select
            label={t('imports.format.sheet')}
            allowDeselect={false}
            data={format.sheets}
            value={shown.sheet}
            onChange={(sheet) => sheet && set({ sheet })}
          />
        ) : (
          <>
            <Select
              label={t('imports.format.encoding')}
              allowDeselect={false}
              searchable
              data={encodings.options(format.encoding)}
              value={shown.encoding}
              onChange={(encoding) => encoding && set({ encoding })}
            />
            <Select
              label={t('imports.format.delimiter')}
              allowDeselect={false}
              data={delimiterOptions(format.delimiter, t)}
              value={shown.delimiter}
              onChange={(delimiter) => delimiter && set({ delimiter })}
            />
          </>
        )}
        <Switch
          label={t('imports.format.firstRow')}
          mb={8}
          checked={shown.has_header}
          onChange={(event) => set({ has_header: event.currentTarget.checked })}
        />
      </div>
      <Text size="sm" c="dimmed" role="status">
        {pending ? t('imports.format.reading') : t('imports.format.again')}
      </Text>
      {error && <FormAlert message={errorMessage(error)} />}
    </Stack>
  );
}

function delimiterOptions(current: string, t: TFunction) {
  const all: string[] = delimiters.some((one) => one === current) ? [...delimiters] : [current, ...delimiters];
  return all.map((value) => ({ value, label: delimiterName(value, t) }));
}
