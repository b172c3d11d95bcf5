import { Button, Menu, ScrollArea, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconChevronDown, IconTemplate } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { CampaignInput } from '@/api/types';
import { templateQuery, templatesQuery } from '@/features/templates/queries';
import { confirmAction } from '@/ui/confirm';
import { MailEditor } from '@/ui/mail-editor/mail-editor';
import { notifyError } from '@/ui/notify';

type Props = { form: UseFormReturnType<CampaignInput>; campaignId: number };

export function ContentTab({ form, campaignId }: Props) {
  const { t } = useTranslation();
  return (
    <MailEditor
      value={form.values}
      onChange={(change) => {
        for (const [field, text] of Object.entries(change)) form.setFieldValue(field as 'html', text);
      }}
      errors={form.errors}
      campaignId={campaignId}
      extra={
        <TextInput
          label={t('campaigns.preheader')}
          description={t('campaigns.preheaderHint')}
          {...form.getInputProps('preheader')}
        />
      }
      tools={<TemplatePicker form={form} />}
    />
  );
}

function TemplatePicker({ form }: { form: Props['form'] }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const templates = useQuery(templatesQuery());
  const take = useMutation({
    mutationFn: (id: number) => queryClient.fetchQuery(templateQuery(id)),
    onSuccess: (template) =>
      form.setValues({
        subject: form.getValues().subject || template.subject,
        kind: template.kind,
        layout_id: template.layout_id,
        inline_css: template.inline_css,
        html: template.html,
        text: template.text,
        template_id: template.id,
      }),
    onError: notifyError,
  });
  const items = (templates.data?.items ?? []).filter((template) => template.role === 'content');
  if (items.length === 0) return null;
  return (
    <Menu width={280}>
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconTemplate size={15} />}
          rightSection={<IconChevronDown size={14} />}
          loading={take.isPending}
        >
          {t('campaigns.useTemplate')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <ScrollArea.Autosize mah={320}>
          {items.map((template) => (
            <Menu.Item
              key={template.id}
              onClick={() =>
                confirmAction({
                  title: t('campaigns.replaceTitle', { name: template.name }),
                  body: t('campaigns.replaceText'),
                  confirm: t('campaigns.replace'),
                  danger: false,
                  onConfirm: () => take.mutate(template.id),
                })
              }
            >
              {template.name}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
      </Menu.Dropdown>
    </Menu>
  );
}
