import { Alert, Stack } from '@mantine/core';
import { IconInfoCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { MailEditor } from '@/ui/mail-editor/mail-editor';
import { errorsUnder, type NewsletterFormOf } from './form';

/** The template of each issue. */
export function ContentTab({ form }: { form: NewsletterFormOf }) {
  const { t } = useTranslation();
  const { values } = form;
  return (
    <Stack>
      <Alert variant="default" icon={<IconInfoCircle color="var(--app-info)" />}>
        {t(`newsletters.content.${values.source.kind}`)}
      </Alert>
      <MailEditor
        value={values.content}
        onChange={(change) => form.setFieldValue('content', { ...form.getValues().content, ...change })}
        errors={errorsUnder(form.errors, 'content')}
        sender={{ from_name: values.from_name, from_email: values.from_email, reply_to: values.reply_to }}
      />
    </Stack>
  );
}
