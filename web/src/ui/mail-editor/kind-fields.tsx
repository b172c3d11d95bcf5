import { Group, Select, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { MailKind } from '@/api/types';
import { templatesQuery } from '@/features/templates/queries';
import { fits, kinds } from './kinds';
import type { MailContent } from './mail-editor';

type Props = {
  value: Pick<MailContent, 'kind' | 'layout_id' | 'inline_css'>;
  onKind: (kind: MailKind) => void;
  onChange: (change: Partial<MailContent>) => void;
  errors: Partial<Record<string, React.ReactNode>>;
  /** The stored layout that is being edited cannot be around itself. */
  self?: number | undefined;
  withLayout: boolean;
};

/** The language of the body, what is around it, and what becomes of its styles. */
export function KindFields({ value, onKind, onChange, errors, self, withLayout }: Props) {
  const { t } = useTranslation();
  const layouts = useQuery({ ...templatesQuery({ role: 'layout' }), enabled: withLayout });
  const fitting = (layouts.data?.items ?? []).filter((layout) => layout.id !== self && fits(layout, value.kind));
  const named = fitting.map((layout) => ({ value: String(layout.id), label: layout.name }));
  const chosen = value.layout_id === null ? null : String(value.layout_id);
  if (chosen && !named.some((one) => one.value === chosen)) {
    const other = layouts.data?.items.find((layout) => layout.id === value.layout_id);
    named.push({ value: chosen, label: other?.name ?? t('editor.layoutNumber', { id: value.layout_id }) });
  }
  return (
    <Group align="flex-start" gap="md">
      <Select
        label={t('editor.kind')}
        data={kinds.map((kind) => ({ value: kind, label: t(`editor.kinds.${kind}`) }))}
        value={value.kind}
        onChange={(kind) => kind && onKind(kind)}
        allowDeselect={false}
        error={errors.kind}
        w={{ base: '100%', xs: 170 }}
      />
      {withLayout && (
        <Select
          label={t('editor.layout')}
          placeholder={t('editor.noLayout')}
          data={named}
          value={chosen}
          onChange={(id) => onChange({ layout_id: id === null ? null : Number(id) })}
          clearable
          clearButtonProps={{ 'aria-label': t('editor.clearLayout') }}
          error={errors.layout_id}
          nothingFoundMessage={t('editor.noLayouts')}
          w={{ base: '100%', xs: 260 }}
        />
      )}
      {value.kind !== 'text' && (
        <Switch
          label={t('editor.inlineCss')}
          checked={value.inline_css}
          onChange={(event) => onChange({ inline_css: event.currentTarget.checked })}
          error={errors.inline_css}
          mt={{ base: 0, xs: 30 }}
        />
      )}
    </Group>
  );
}
