import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Menu,
  MultiSelect,
  NumberInput,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { SignUpFieldChoice, SignUpFormInput } from '@/api/types';
import { listsQuery } from '@/features/lists/queries';
import { Section } from '@/ui/section';
import { formFieldsQuery, languages } from './queries';

type Props = { form: UseFormReturnType<SignUpFormInput> };

/** Everything that can be said about a form. */
export function FormFields({ form }: Props) {
  const { t } = useTranslation();
  const consent = form.values.consent.trim() !== '';
  return (
    <Stack>
      <Section>
        <Stack>
          <TextInput
            label={t('common.name')}
            description={t('forms.nameHint')}
            required
            {...form.getInputProps('name')}
          />
          <Select
            label={t('forms.language')}
            description={t('forms.languageHint')}
            allowDeselect={false}
            data={languages.map((value) => ({ value, label: t(`forms.languages.${value}`) }))}
            {...form.getInputProps('language')}
          />
          <Switch
            label={t('forms.enabled')}
            description={t('forms.enabledHint')}
            {...form.getInputProps('enabled', { type: 'checkbox' })}
          />
        </Stack>
      </Section>
      <ListsSection form={form} />
      <Section title={t('forms.content')} description={t('forms.usual')}>
        <Stack>
          <TextInput label={t('forms.title')} {...form.getInputProps('title')} />
          <Textarea label={t('forms.intro')} autosize minRows={2} {...form.getInputProps('intro')} />
          <TextInput label={t('forms.button')} {...form.getInputProps('button')} />
        </Stack>
      </Section>
      <Section title={t('forms.consentTitle')}>
        <Stack>
          <Textarea
            label={t('forms.consent')}
            description={t('forms.consentHint')}
            autosize
            minRows={2}
            {...form.getInputProps('consent')}
          />
          <Checkbox
            label={t('forms.consentRequired')}
            disabled={!consent}
            {...form.getInputProps('consent_required', { type: 'checkbox' })}
          />
        </Stack>
      </Section>
      <Section title={t('forms.afterTitle')}>
        <Stack>
          <TextInput label={t('forms.successTitle')} {...form.getInputProps('success_title')} />
          <Textarea label={t('forms.successText')} autosize minRows={2} {...form.getInputProps('success_text')} />
          <TextInput
            label={t('forms.redirect')}
            description={t('forms.redirectHint')}
            type="url"
            {...form.getInputProps('redirect_url')}
          />
        </Stack>
      </Section>
      <Section title={t('forms.protectTitle')} description={t('forms.protectText')}>
        <Stack>
          <TagsInput
            label={t('forms.origins')}
            description={t('forms.originsHint')}
            splitChars={[',', ' ', ';']}
            acceptValueOnBlur
            {...form.getInputProps('allowed_origins')}
            error={originsError(form.errors)}
          />
          <NumberInput
            label={t('forms.perHour')}
            min={1}
            max={10_000}
            allowDecimal={false}
            maw={320}
            {...form.getInputProps('max_per_hour')}
          />
        </Stack>
      </Section>
    </Stack>
  );
}

// The server names the one that is wrong: "allowed_origins[1]".
function originsError(errors: Props['form']['errors']) {
  return Object.entries(errors).find(([path]) => path.startsWith('allowed_origins'))?.[1];
}

function ListsSection({ form }: Props) {
  const { t } = useTranslation();
  const lists = useQuery(listsQuery());
  const choices = useQuery(formFieldsQuery);
  const known = choices.data?.items ?? [];
  const { fields, list_ids } = form.values;
  const left = known.filter(({ name }) => !fields.some((field) => field.name === name));
  return (
    <Section title={t('forms.listsTitle')}>
      <Stack>
        <MultiSelect
          label={t('forms.lists')}
          required
          searchable
          data={(lists.data?.items ?? []).map(({ id, name }) => ({ value: String(id), label: name }))}
          value={list_ids.map(String)}
          onChange={(ids) => form.setFieldValue('list_ids', ids.map(Number))}
          error={form.errors.list_ids}
        />
        {list_ids.length > 1 && (
          <Switch
            label={t('forms.choose')}
            description={t('forms.chooseHint')}
            {...form.getInputProps('choose', { type: 'checkbox' })}
          />
        )}
        {fields.length === 0 && (
          <Text size="sm" c="dimmed">
            {t('forms.noFields')}
          </Text>
        )}
        {fields.map((field, index) => (
          <Group key={field.name} align="flex-end" gap="sm" wrap="nowrap">
            <TextInput
              style={{ flex: 1 }}
              label={titleOf(field.name, known, t('forms.fieldName'))}
              aria-label={`${t('forms.label')}: ${field.name}`}
              placeholder={t('forms.label')}
              {...form.getInputProps(`fields.${index}.label`)}
              error={form.errors[`fields[${index}].name`] ?? form.errors[`fields[${index}].label`]}
            />
            <Checkbox
              mb={9}
              label={t('forms.required')}
              {...form.getInputProps(`fields.${index}.required`, { type: 'checkbox' })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              size={36}
              aria-label={t('forms.removeField', { name: field.name })}
              onClick={() => form.removeListItem('fields', index)}
            >
              <IconTrash size={17} />
            </ActionIcon>
          </Group>
        ))}
        {left.length > 0 && (
          <Menu position="bottom-start">
            <Menu.Target>
              <Button variant="default" leftSection={<IconPlus size={16} />} style={{ alignSelf: 'flex-start' }}>
                {t('forms.addField')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown mah={320} style={{ overflowY: 'auto' }}>
              {left.map(({ name }) => (
                <Menu.Item
                  key={name}
                  onClick={() => form.insertListItem('fields', { name, label: '', required: false })}
                >
                  {titleOf(name, known, t('forms.fieldName'))}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </Stack>
    </Section>
  );
}

function titleOf(name: string, known: SignUpFieldChoice[], personName: string): string {
  return name === 'name' ? personName : known.find((field) => field.name === name)?.label || name;
}
