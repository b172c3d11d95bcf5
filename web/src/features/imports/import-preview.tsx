import { Group, Table, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { ColumnMapping, Field, ImportPreview, ImportPreviewRow } from '@/api/types';
import { QueryView } from '@/ui/query-view';
import { useFieldWords } from './field-words';

type Props = { preview: UseQueryResult<ImportPreview>; columns: ColumnMapping[]; fields: Field[] };

/** The first rows as the server understood them, with what is wrong in each. */
export function ImportPreviewTable({ preview, columns, fields }: Props) {
  const { t } = useTranslation();
  const words = useFieldWords(fields);
  const attributes = columns.flatMap((one) => (one.target === 'attribute' && one.attribute ? one.attribute : []));
  return (
    <QueryView query={preview}>
      {(data) => (
        <>
          <Text px="md" pb="sm" size="sm" role="status">
            {t('imports.previewCount', { ok: data.ok, rejected: data.rejected })}
          </Text>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
          <section style={{ overflowX: 'auto' }} tabIndex={0} aria-label={t('imports.preview')}>
            <Table miw={560}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('imports.row')}</Table.Th>
                  <Table.Th>{t('common.email')}</Table.Th>
                  <Table.Th>{t('common.name')}</Table.Th>
                  {attributes.map((name) => (
                    <Table.Th key={name}>{words.label(name)}</Table.Th>
                  ))}
                  <Table.Th>{t('imports.understood')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {data.rows.map((row) => (
                  <Table.Tr key={row.row}>
                    <Table.Td c="dimmed">{row.row}</Table.Td>
                    <Table.Td>{row.email}</Table.Td>
                    <Table.Td>{row.name}</Table.Td>
                    {attributes.map((name) => (
                      <Table.Td key={name}>{words.value(row.attributes[name])}</Table.Td>
                    ))}
                    <Table.Td>
                      <Verdict row={row} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </section>
        </>
      )}
    </QueryView>
  );
}

function Verdict({ row }: { row: ImportPreviewRow }) {
  const { t } = useTranslation();
  if (row.problems.length === 0) {
    return <IconCheck size={17} color="var(--app-good)" aria-label={t('imports.rowOk')} />;
  }
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      <IconAlertTriangle size={16} color="var(--app-bad)" style={{ flexShrink: 0, marginTop: 2 }} aria-hidden />
      <Text size="sm" c="var(--app-bad)">
        {row.problems
          .map((problem) => (problem.column ? `${problem.column}: ${problem.message}` : problem.message))
          .join('; ')}
      </Text>
    </Group>
  );
}
