import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { type AttributeRow, attributeRow } from './attributes';

type Props = { rows: AttributeRow[]; onChange: (rows: AttributeRow[]) => void };

export function AttributesInput({ rows, onChange }: Props) {
  const { t } = useTranslation();
  const change = (key: string, part: Partial<AttributeRow>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0, minWidth: 0 }}>
      <legend style={{ padding: 0, fontWeight: 500, marginBottom: 6 }}>{t('subscribers.attributes')}</legend>
      <Stack gap="xs">
        {rows.length === 0 && (
          <Text size="sm" c="dimmed">
            {t('subscribers.noAttributes')}
          </Text>
        )}
        {rows.map((row) => (
          <Group key={row.key} gap="xs" wrap="nowrap">
            <TextInput
              aria-label={t('subscribers.attributeName')}
              placeholder={t('subscribers.attributeName')}
              value={row.name}
              onChange={(event) => change(row.key, { name: event.currentTarget.value })}
              w="40%"
            />
            <TextInput
              aria-label={t('subscribers.attributeValue', { name: row.name })}
              placeholder={t('subscribers.value')}
              value={row.value}
              onChange={(event) => change(row.key, { value: event.currentTarget.value })}
              style={{ flex: 1 }}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('subscribers.removeAttribute', { name: row.name })}
              onClick={() => onChange(rows.filter((one) => one.key !== row.key))}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <div>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconPlus size={14} />}
            onClick={() => onChange([...rows, attributeRow()])}
          >
            {t('subscribers.addAttribute')}
          </Button>
        </div>
      </Stack>
    </fieldset>
  );
}
