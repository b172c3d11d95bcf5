import { Code, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { SignUpForm } from '@/api/types';
import { CopyButton, CopyField } from '@/ui/copy-field';
import { Section } from '@/ui/section';
import { frameSnippet, htmlSnippet, scriptSnippet } from './snippets';

/** What to paste elsewhere so that people find the form. */
export function FormSnippets({ form }: { form: SignUpForm }) {
  const { t } = useTranslation();
  const words = { email: t('common.email'), name: t('common.name'), button: t('forms.embedButton') };
  return (
    <Stack maw={960}>
      <Section title={t('forms.address')} description={t('forms.addressText')}>
        <CopyField value={form.url} label={t('forms.address')} />
      </Section>
      <Snippet title={t('forms.html')} text={t('forms.htmlText')} code={htmlSnippet(form, words)} />
      {form.allowed_origins.length > 0 ? (
        <Snippet
          title={t('forms.frame')}
          text={t('forms.frameText')}
          code={frameSnippet(form, t('forms.embedTitle'))}
        />
      ) : (
        <Section title={t('forms.frame')} description={t('forms.frameText')}>
          <Text>{t('forms.frameNeeds')}</Text>
        </Section>
      )}
      <Snippet title={t('forms.script')} text={t('forms.scriptText')} code={scriptSnippet(form)} />
    </Stack>
  );
}

function Snippet({ title, text, code }: { title: string; text: ReactNode; code: string }) {
  return (
    <Section title={title} description={text} actions={<CopyButton value={code} label={title} />}>
      <Group>
        <Code block tabIndex={0} aria-label={title} style={{ flex: 1, minWidth: 0, background: 'var(--app-sunken)' }}>
          {code}
        </Code>
      </Group>
    </Section>
  );
}
